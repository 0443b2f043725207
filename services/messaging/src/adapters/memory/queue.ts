/** Below this, what was taken is not worth cutting off. */
const MIN_CUT = 64;

/** First in, first out; each operation costs O(1) in the long run. */
export class Queue<T> {
  #items: T[];
  #head = 0;

  constructor(items: T[] = []) {
    this.#items = items;
  }

  get size(): number {
    return this.#items.length - this.#head;
  }

  /** The oldest. */
  get first(): T | undefined {
    return this.#items[this.#head];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    const item = this.first;
    if (item === undefined) return undefined;
    this.#head += 1;
    // Half of it at once: to cut off one at a time would cost the whole length each time.
    if (this.#head >= MIN_CUT && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  *newestFirst(): Generator<T> {
    for (let at = this.#items.length - 1; at >= this.#head; at--) yield this.#items[at] as T;
  }
}
