import type { PeerId } from '@enjambre/core/ids';
import { nameKey, shownName } from '@enjambre/core/peer-names';

interface Uses {
  /** Each peer that uses the name, and since when. */
  readonly since: Map<PeerId, number>;
  first: PeerId | undefined;
}

/** Who used a name first: that peer is shown by the plain name, and is meant by it. */
export class FirstUses {
  readonly #byName = new Map<string, Uses>();

  /** @param since milliseconds since 1970 */
  add(name: string, id: PeerId, since: number): void {
    const key = nameKey(name);
    const uses = this.#byName.get(key);
    if (!uses) {
      this.#byName.set(key, { since: new Map([[id, since]]), first: id });
      return;
    }
    const isLater = since > (uses.since.get(id) ?? since);
    uses.since.set(id, since);
    if (uses.first !== id) {
      const least = uses.first === undefined ? Infinity : (uses.since.get(uses.first) ?? Infinity);
      if (since < least) uses.first = id;
    } else if (isLater) uses.first = earliest(uses.since);
  }

  remove(name: string, id: PeerId): void {
    const key = nameKey(name);
    const uses = this.#byName.get(key);
    if (!uses?.since.delete(id)) return;
    if (uses.since.size === 0) this.#byName.delete(key);
    else if (uses.first === id) uses.first = earliest(uses.since);
  }

  /** The peer that has used the name for the longest time. */
  first(name: string): PeerId | undefined {
    return this.#byName.get(nameKey(name))?.first;
  }

  /** All peers that use the name, in no order. */
  all(name: string): PeerId[] {
    return [...(this.#byName.get(nameKey(name))?.since.keys() ?? [])];
  }

  /** "alice" for the first peer of that name, "alice (1a2b3c4d)" for others. */
  shown(name: string, id: PeerId): string {
    return this.first(name) === id ? name : shownName(name, id);
  }
}

/** Costs as much as there are peers of the name: only for a change of its first one. */
function earliest(uses: ReadonlyMap<PeerId, number>): PeerId | undefined {
  let first: PeerId | undefined;
  let least = Infinity;
  for (const [id, since] of uses) {
    if (since >= least) continue;
    first = id;
    least = since;
  }
  return first;
}
