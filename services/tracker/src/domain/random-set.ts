/** Items for random draws. */
export interface Drawable<T> {
  /**
   * Every item once, in an order drawn on demand. The items must not change meanwhile. @param random uniform
   * in [0, 1)
   */
  shuffled(random: () => number): Iterable<T>;
}

/** A set of this many items is searched item by item: most swarms are smaller, and a map takes 200 bytes. */
const MAX_SEARCHED = 8;

/** A set for random draws: add, delete and one draw cost O(1). */
export class RandomSet<T> implements Iterable<T>, Drawable<T> {
  readonly #items: T[] = [];
  /** Once there are more than {@link MAX_SEARCHED} items. */
  #slots: Map<T, number> | undefined;

  get size(): number {
    return this.#items.length;
  }

  has(item: T): boolean {
    return this.#slotOf(item) !== undefined;
  }

  add(item: T): void {
    if (this.has(item)) return;
    this.#items.push(item);
    if (this.#slots) this.#slots.set(item, this.#items.length - 1);
    else if (this.#items.length > MAX_SEARCHED)
      this.#slots = new Map(this.#items.map((one, slot) => [one, slot]));
  }

  delete(item: T): void {
    const slot = this.#slotOf(item);
    if (slot === undefined) return;
    const last = this.#items.pop() as T;
    this.#slots?.delete(item);
    if (last === item) return;
    this.#items[slot] = last;
    this.#slots?.set(last, slot);
  }

  #slotOf(item: T): number | undefined {
    if (this.#slots) return this.#slots.get(item);
    const slot = this.#items.indexOf(item);
    return slot < 0 ? undefined : slot;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]();
  }

  /**
   * Every item once, in an order drawn on demand (a Fisher-Yates shuffle that stores only the swaps made):
   * the first k items cost O(k). The set must not change meanwhile.
   *
   * @param random uniform in [0, 1)
   */
  *shuffled(random: () => number): Generator<T, void, undefined> {
    const swapped = new Map<number, number>();
    const length = this.#items.length;
    for (let next = 0; next < length; next += 1) {
      const drawn = next + Math.floor(random() * (length - next));
      const slot = swapped.get(drawn) ?? drawn;
      swapped.set(drawn, swapped.get(next) ?? next);
      yield this.#items[slot] as T;
    }
  }
}

/** Several disjoint sets, for random draws as from one. */
export class RandomSets<T> implements Drawable<T> {
  constructor(private readonly sets: readonly RandomSet<T>[]) {}

  *shuffled(random: () => number): Generator<T, void, undefined> {
    const parts = this.sets.map((set) => ({ left: set.size, items: set.shuffled(random) }));
    for (let total = parts.reduce((sum, { left }) => sum + left, 0); total > 0; total -= 1) {
      let at = random() * total;
      const part = parts.find(({ left }) => (at -= left) < 0);
      const drawn = part?.items.next();
      if (!part || !drawn || drawn.done === true) return;
      part.left -= 1;
      yield drawn.value;
    }
  }
}
