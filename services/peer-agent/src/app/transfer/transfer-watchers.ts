import type { InfoHash } from '@enjambre/core/ids';

/** Listeners to the changes of each transfer; transfers may be watched before they exist. */
export class TransferWatchers {
  readonly #watchers = new Map<InfoHash, Set<() => void>>();

  /** Calls `listener` on each change. Returns a function that ends the watch. */
  watch(infohash: InfoHash, listener: () => void): () => void {
    const listeners = this.#watchers.get(infohash) ?? new Set();
    this.#watchers.set(infohash, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#watchers.get(infohash) === listeners) this.#watchers.delete(infohash);
    };
  }

  changed(infohash: InfoHash): void {
    for (const listener of this.#watchers.get(infohash) ?? []) listener();
  }
}
