import { quotaOf } from '@enjambre/core/address-quota';
import type { PeerId } from '@enjambre/core/ids';
import { nameKey, shownName } from '@enjambre/core/peer-names';

interface Holder {
  readonly id: PeerId;
  readonly party: string;
  /** When it left, in milliseconds since 1970; undefined while it is connected. */
  leftAt: number | undefined;
}

/** A name is kept for a peer that has left, such as a laptop at night. */
const KEPT_MS = 24 * 3_600_000;

/**
 * Who used a name first: another peer of that name, in any case of its letters, is shown with its id. Names are kept
 * for peers that have left, a bounded number in all and of each party; the ones that left first are forgotten first.
 */
export class PeerNames {
  readonly #holders = new Map<string, Holder>();
  /** Names of peers that have left, of each party, those that left first first. */
  readonly #left = new Map<string, Set<string>>();
  readonly #maxLeft: number;
  readonly #quota: number;
  #leftCount = 0;
  /** The latest time seen: the end of another tracker's session comes without one. */
  #latest = 0;

  /** @param percent what one party may use of the names kept */
  constructor(maxLeft: number, percent: number) {
    this.#maxLeft = maxLeft;
    this.#quota = quotaOf(maxLeft, percent, 1);
  }

  /** Number of names that are held. */
  get size(): number {
    return this.#holders.size;
  }

  /**
   * The name under which a peer is shown from now on. Call {@link leave} when it goes.
   *
   * @param name canonical
   */
  enter({ id, name }: { readonly id: PeerId; readonly name: string }, party: string, now: number): string {
    this.#latest = Math.max(this.#latest, now);
    const key = nameKey(name);
    const holder = this.#holders.get(key);
    const isFree =
      !holder || holder.id === id || (holder.leftAt !== undefined && now - holder.leftAt >= KEPT_MS);
    if (!isFree) return shownName(name, id);
    if (holder) this.#forgetLeft(key, holder);
    this.#holders.set(key, { id, party, leftAt: undefined });
    return name;
  }

  /** The name under which a peer is shown that is not connected: see {@link enter}. */
  shown({ id, name }: { readonly id: PeerId; readonly name: string }): string {
    const holder = this.#holders.get(nameKey(name));
    return !holder || holder.id === id ? name : shownName(name, id);
  }

  /** The peer has left; its name is kept for it. */
  leave({ id, name }: { readonly id: PeerId; readonly name: string }, now: number): void {
    const key = nameKey(name);
    const holder = this.#holders.get(key);
    if (holder?.id !== id || holder.leftAt !== undefined) return;
    this.#latest = Math.max(this.#latest, now);
    holder.leftAt = this.#latest;
    const left = this.#left.get(holder.party) ?? new Set();
    left.add(key);
    this.#left.set(holder.party, left);
    this.#leftCount += 1;
    if (left.size > this.#quota) this.#forgetOldest(left);
    else if (this.#leftCount > this.#maxLeft)
      for (const names of this.#left.values()) return this.#forgetOldest(names);
  }

  #forgetOldest(left: Set<string>): void {
    const [key = ''] = left;
    const holder = this.#holders.get(key);
    if (!holder) return;
    this.#forgetLeft(key, holder);
    this.#holders.delete(key);
  }

  #forgetLeft(key: string, { party, leftAt }: Holder): void {
    if (leftAt === undefined) return;
    const left = this.#left.get(party);
    left?.delete(key);
    if (left?.size === 0) this.#left.delete(party);
    this.#leftCount -= 1;
  }
}
