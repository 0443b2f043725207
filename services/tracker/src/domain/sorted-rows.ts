/** Rows in a block are moved when one is added: a block of this size is split. */
const MAX_BLOCK = 1024;

/**
 * Rows in an order, for very many of them: a change moves at most {@link MAX_BLOCK} rows. No two rows are equal in
 * that order.
 */
export class SortedRows<Row> {
  /** Sorted, none empty. */
  readonly #blocks: Row[][] = [];

  /** @param compare negative if the first row comes before the second */
  constructor(private readonly compare: (one: Row, other: Row) => number) {}

  add(row: Row): void {
    const at = Math.max(0, this.#blockAfter((first) => this.compare(first, row) <= 0) - 1);
    const block = this.#blocks[at];
    if (!block) {
      this.#blocks.push([row]);
      return;
    }
    block.splice(
      firstWhere(block, (other) => this.compare(other, row) > 0),
      0,
      row,
    );
    if (block.length > MAX_BLOCK) this.#blocks.splice(at + 1, 0, block.splice(MAX_BLOCK / 2));
  }

  delete(row: Row): void {
    const at = this.#blockAfter((first) => this.compare(first, row) <= 0) - 1;
    const block = this.#blocks[at];
    if (!block) return;
    const index = firstWhere(block, (other) => this.compare(other, row) >= 0);
    if (block[index] !== row) return;
    block.splice(index, 1);
    if (block.length === 0) this.#blocks.splice(at, 1);
  }

  /** The rows from the first that does not come before a place. They must not change meanwhile. */
  *from(isBefore: (row: Row) => boolean): Generator<Row, void, undefined> {
    let at = Math.max(0, this.#blockAfter(isBefore) - 1);
    let index = firstWhere(this.#blocks[at] ?? [], (row) => !isBefore(row));
    for (let block; (block = this.#blocks[at]); at += 1, index = 0)
      for (; index < block.length; index += 1) yield block[index] as Row;
  }

  /** The first block of which `isBefore` is not true. */
  #blockAfter(isBefore: (first: Row) => boolean): number {
    return firstWhere(this.#blocks, ([first]) => first === undefined || !isBefore(first));
  }
}

/** The index of the first item that passes a test, after which all pass; the length if none does. */
function firstWhere<Item>(items: readonly Item[], passes: (item: Item) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(items[middle] as Item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
