import type { InfoHash } from '@enjambre/core/ids';

/** Remembered at most, the oldest forgotten first. */
const MAX_REMEMBERED = 1000;

/** Files that were offered until their bytes changed: who asks for them is told so. */
export class Outdated {
  readonly #infohashes = new Set<InfoHash>();

  add(infohash: InfoHash): void {
    this.#infohashes.delete(infohash);
    this.#infohashes.add(infohash);
    const [oldest] = this.#infohashes;
    if (this.#infohashes.size > MAX_REMEMBERED && oldest !== undefined) this.#infohashes.delete(oldest);
  }

  has(infohash: InfoHash): boolean {
    return this.#infohashes.has(infohash);
  }
}
