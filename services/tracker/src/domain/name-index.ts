import { idDigits } from '@enjambre/core/named';
import { DigitIndex } from './digit-index.js';
import { SortedRows } from './sorted-rows.js';

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
  /** There may be more items after this place; undefined if there are none. */
  readonly next: Named | undefined;
}

interface Row<Item> extends Named {
  readonly lowerName: string;
  readonly bareName: string;
  readonly item: Item;
}

/**
 * Names that one page compares with a part of a name, about 1 ms of work. A longer search continues with the next page,
 * which may have fewer items than the limit, or none.
 */
const MAX_COMPARED = 2000;
/** Ids with one beginning that an exact search considers: more digits find the others. */
const MAX_SAME_DIGITS = 1000;

/** Items in the order of name (by code unit) and id. The cost of a change, and of a page, hardly grows with their number. */
export class NameIndex<Item> {
  /** By id; a list only for the few ids with several names. */
  readonly #rows = new Map<string, Row<Item> | readonly Row<Item>[]>();
  #size = 0;
  readonly #ordered = new SortedRows<Row<Item>>(compare);
  /** Only rows whose names are not in the form that exact searches compare. */
  readonly #odd = new SortedRows<Row<Item>>(
    (one, other) => compareTexts(one.bareName, other.bareName) || compare(one, other),
  );
  readonly #byDigits = new DigitIndex<Row<Item>>();

  get size(): number {
    return this.#size;
  }

  /** The key must not exist yet; an id may have several names. */
  add({ name, id }: Named, item: Item): void {
    const row = { name, id, lowerName: fold(name), bareName: bareName(name), item };
    const others = this.#rowsOf(id);
    this.#rows.set(id, others.length === 0 ? row : [...others, row]);
    this.#size += 1;
    this.#ordered.add(row);
    this.#byDigits.add(row);
    if (row.bareName !== name) this.#odd.add(row);
  }

  delete({ name, id }: Named): void {
    const rows = this.#rowsOf(id);
    const row = rows.find((one) => one.name === name);
    if (!row) return;
    const [only, ...others] = rows.filter((one) => one !== row);
    if (!only) this.#rows.delete(id);
    else this.#rows.set(id, others.length === 0 ? only : [only, ...others]);
    this.#size -= 1;
    this.#ordered.delete(row);
    this.#byDigits.delete(row);
    if (row.bareName !== row.name) this.#odd.delete(row);
  }

  #rowsOf(id: string): readonly Row<Item>[] {
    const rows = this.#rows.get(id);
    if (rows === undefined) return [];
    return 'item' in rows ? [rows] : rows;
  }

  page({ query, exact, after, limit }: PageQuery): Page<Item> {
    const digits = idDigits(fold(query));
    if (exact === true) return this.#exactPage(bareName(query), digits, { after, limit });
    const wanted = fold(query);
    const items: Item[] = [];
    let last: Row<Item> | undefined;
    let compared = 0;
    for (const row of this.#ordered.from(isAtOrBefore(after))) {
      if (items.length === limit || compared === MAX_COMPARED) return { items, next: last };
      last = row;
      compared += 1;
      const isWanted = row.lowerName.includes(wanted) || (digits !== undefined && row.id.startsWith(digits));
      if (isWanted) items.push(row.item);
    }
    return { items, next: undefined };
  }

  #exactPage(
    name: string,
    digits: string | undefined,
    { after, limit }: { readonly after: Named | undefined; readonly limit: number },
  ): Page<Item> {
    const isBehind = (row: Row<Item>): boolean => after === undefined || compare(row, after) > 0;
    const found: Row<Item>[] = [];
    for (const row of this.#ordered.from((row) => row.name < name || !isBehind(row))) {
      if (row.name !== name || found.length > limit) break;
      found.push(row);
    }
    for (const row of this.#odd.from(
      (row) => row.bareName < name || (row.bareName === name && !isBehind(row)),
    )) {
      if (row.bareName !== name || found.length > 2 * limit) break;
      found.push(row);
    }
    const alike = digits === undefined ? [] : this.#byDigits.find(digits, MAX_SAME_DIGITS);
    found.push(...alike.filter((row) => row.bareName !== name && isBehind(row)));
    found.sort(compare);
    const rows = found.slice(0, limit);
    return { items: rows.map(({ item }) => item), next: found.length > limit ? rows.at(-1) : undefined };
  }
}

function isAtOrBefore(place: Named | undefined): (row: Named) => boolean {
  return (row) => place !== undefined && compare(row, place) <= 0;
}

/** Equal for names that exact searches do not distinguish. */
export function bareName(name: string): string {
  return name.normalize('NFC').trim();
}

/** Names match in any case, and in any Unicode normalization. */
function fold(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

function compare(one: Named, other: Named): number {
  return compareTexts(one.name, other.name) || compareTexts(one.id, other.id);
}

function compareTexts(one: string, other: string): number {
  if (one < other) return -1;
  return one === other ? 0 : 1;
}
