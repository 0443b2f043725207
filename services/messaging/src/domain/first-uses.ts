import type { PeerId } from '@enjambre/core/ids';
import { nameKey, shownName } from '@enjambre/core/peer-names';

/** Who used a name first: that peer is shown by the plain name, and is meant by it. */
export class FirstUses {
  /** By name: each peer that uses it, and since when. */
  readonly #uses = new Map<string, Map<PeerId, number>>();

  /** @param since milliseconds since 1970 */
  add(name: string, id: PeerId, since: number): void {
    const key = nameKey(name);
    let uses = this.#uses.get(key);
    if (!uses) this.#uses.set(key, (uses = new Map<PeerId, number>()));
    uses.set(id, since);
  }

  remove(name: string, id: PeerId): void {
    const key = nameKey(name);
    const uses = this.#uses.get(key);
    uses?.delete(id);
    if (uses?.size === 0) this.#uses.delete(key);
  }

  /** The peer that has used the name for the longest time. */
  first(name: string): PeerId | undefined {
    let first: PeerId | undefined;
    let earliest = Infinity;
    for (const [id, since] of this.#uses.get(nameKey(name)) ?? []) {
      if (since >= earliest) continue;
      first = id;
      earliest = since;
    }
    return first;
  }

  /** All peers that use the name, in no order. */
  all(name: string): PeerId[] {
    return [...(this.#uses.get(nameKey(name))?.keys() ?? [])];
  }

  /** "alice" for the first peer of that name, "alice (1a2b3c4d)" for others. */
  shown(name: string, id: PeerId): string {
    return this.first(name) === id ? name : shownName(name, id);
  }
}
