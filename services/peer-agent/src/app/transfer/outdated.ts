import type { InfoHash } from '@enjambre/core/ids';

/** Maximum number remembered; the oldest are forgotten first. */
const MAX_REMEMBERED = 1000;

/** Files that were shared until their content changed, so that requests for them get CONTENT_CHANGED. */
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
