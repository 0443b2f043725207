import { idDigits } from '@enjambre/core/named';

/** Properties that a listing shows and is ordered by. */
export interface Named {
  readonly name: string;
  readonly id: string;
}

export interface PageQuery {
  /** Part of a name in any case, or at least the first 8 digits of an id; empty for all. */
  readonly query: string;
  /** The query is a whole name, up to normalization and surrounding spaces, or a prefix of an id. @default false */
  readonly exact?: boolean;
  /** Only items after this place. */
  readonly after?: Named;
  readonly limit: number;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** True if there are items after the last one. */
  readonly more: boolean;
}

interface Row<Item> extends Named {
  readonly lowerName: string;
  readonly bareName: string;
  readonly item: Item;
  gone: boolean;
}

/** Number of unsorted changes above which they are sorted without waiting for the next page. */
const MIN_BACKLOG = 1024;

/**
 * Items in the order of name (by code unit) and id. Changes cost O(1) and are sorted by the next page:
 * sorting an almost sorted array is linear.
 */
export class NameIndex<Item> {
  #ordered: Row<Item>[] = [];
  #backlog = 0;
  #added: Row<Item>[] = [];
  readonly #rows = new Map<string, Row<Item>>();

  get size(): number {
    return this.#rows.size;
  }

  /** The key's id must not exist yet. */
  add({ name, id }: Named, item: Item): void {
    const row = { name, id, lowerName: fold(name), bareName: bare(name), item, gone: false };
    this.#rows.set(id, row);
    this.#added.push(row);
    this.#changed();
  }

  delete(id: string): void {
    const row = this.#rows.get(id);
    if (!row) return;
    row.gone = true;
    this.#rows.delete(id);
    this.#changed();
  }

  page({ query, exact, after, limit }: PageQuery): Page<Item> {
    this.#settle();
    const isNamed = exact === true ? nameIs(query) : nameContains(query);
    const digits = idDigits(fold(query));
    const items: Item[] = [];
    for (let at = after ? this.#firstBehind(after) : 0; at < this.#ordered.length; at += 1) {
      const row = this.#ordered[at] as Row<Item>;
      if (!isNamed(row) && !(digits !== undefined && row.id.startsWith(digits))) continue;
      if (items.length === limit) return { items, more: true };
      items.push(row.item);
    }
    return { items, more: false };
  }

  #changed(): void {
    this.#backlog += 1;
    if (this.#backlog > Math.max(MIN_BACKLOG, this.#rows.size)) this.#settle();
  }

  #settle(): void {
    if (this.#backlog === 0) return;
    const present = (row: Row<Item>): boolean => !row.gone;
    this.#ordered = this.#ordered.filter(present).concat(this.#added.filter(present)).sort(compare);
    this.#added = [];
    this.#backlog = 0;
  }

  #firstBehind(place: Named): number {
    let low = 0;
    let high = this.#ordered.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#ordered[middle] as Row<Item>, place) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

type NameTest = (row: { readonly lowerName: string; readonly bareName: string }) => boolean;

function nameContains(query: string): NameTest {
  const wanted = fold(query);
  return ({ lowerName }) => lowerName.includes(wanted);
}

function nameIs(query: string): NameTest {
  const wanted = bare(query);
  return ({ bareName }) => bareName === wanted;
}

function bare(name: string): string {
  return name.normalize('NFC').trim();
}

/** Names match in any case, and in any Unicode normalization. */
function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

function compare(one: Named, other: Named): number {
  if (one.name !== other.name) return one.name < other.name ? -1 : 1;
  if (one.id !== other.id) return one.id < other.id ? -1 : 1;
  return 0;
}
