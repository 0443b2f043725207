/** Below this number of removed items, compaction is not worthwhile. */
const MIN_CUT = 64;

/**
 * A first-in, first-out queue whose items may also go out of turn: they mark themselves as dropped and are reported
 * with {@link noteDropped}. Each operation costs amortized O(1), and at most half of the memory is for items that are
 * gone.
 */
export class LiveQueue<T extends { readonly dropped: boolean }> {
  #items: T[] = [];
  #head = 0;
  #dropped = 0;

  /** Number of items that are not dropped. */
  get size(): number {
    return this.#items.length - this.#head - this.#dropped;
  }

  /** The oldest item that is not dropped. */
  get first(): T | undefined {
    while (this.#items[this.#head]?.dropped) {
      this.#head += 1;
      this.#dropped -= 1;
    }
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** Call it once for each item that was dropped while it was in this queue. */
  noteDropped(): void {
    this.#dropped += 1;
    const gone = this.#head + this.#dropped;
    if (gone < MIN_CUT || gone * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head).filter(({ dropped }) => !dropped);
    this.#head = 0;
    this.#dropped = 0;
  }

  *newestFirst(): Generator<T> {
    for (let at = this.#items.length - 1; at >= this.#head; at--) {
      const item = this.#items[at];
      if (item && !item.dropped) yield item;
    }
  }
}
