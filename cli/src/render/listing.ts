import { EnjambreError } from '@enjambre/core/error';
import picocolors from 'picocolors';
import type { Layout, Output, Screen } from '../output.js';
import type { JsonObject } from './json-line.js';
import { table, type Column } from './table.js';

/** A column of a list of `T`. Its title, with "-" for spaces, is its name in `--columns` and `--sort`. */
export interface ListColumn<T> extends Column {
  readonly text: (item: T, screen: Pick<Screen, 'colors'>) => string;
  /** What the column is sorted by. @default its text */
  readonly value?: (item: T) => number | bigint | string | undefined;
  /** Not shown on a terminal without `--wide` or `--columns`. @default false */
  readonly wide?: boolean;
}

/** How the items of a list are printed. */
export interface Listing<T> {
  readonly columns: readonly ListColumn<T>[];
  readonly json: (item: T) => JsonObject;
  /** Printed alone with `--quiet`. */
  readonly id: (item: T) => string;
}

const NO_COLORS = picocolors.createColors(false);
/** Made at the first comparison: it takes a tenth of the time of `enjambre ls`. */
let collator: Intl.Collator | undefined;

/** Prints a list as a table, or as an object or id for each item. Throws `invalid`, USAGE, for an unknown column. */
export function printList<T>(output: Output, items: readonly T[], listing: Listing<T>): void {
  if (output.json && output.layout.columns)
    throw new EnjambreError('invalid', 'USAGE', '--columns is about tables: --json prints all fields');
  const columns = chosen(listing.columns, output);
  const sorted = sort(items, listing.columns, output.layout);
  for (const item of sorted) output.object(listing.json(item));
  if (output.quiet) for (const item of sorted) output.line(listing.id(item));
  else if (sorted.length > 0) output.line(tableOf(sorted, columns, output));
}

/** The table of a list, without `header` as lines that follow another. */
export function tableOf<T>(
  items: readonly T[],
  columns: readonly ListColumn<T>[],
  screen: Pick<Screen, 'colors' | 'width'>,
  { header = true } = {},
): string {
  const rows = items.map((item) => columns.map(({ text }) => text(item, screen)));
  return table(columns, rows, screen, { header });
}

/** The columns that the flags choose. Throws `invalid`, USAGE. */
export function chosen<T>(
  all: readonly ListColumn<T>[],
  { layout: { columns }, width }: Pick<Screen, 'layout' | 'width'>,
): readonly ListColumn<T>[] {
  if (columns !== undefined) return columns.map((name) => named(name, all, '--columns'));
  return all.filter((column) => width === Infinity || column.wide !== true);
}

/** The items in the order that `--sort` requests. Throws `invalid`, USAGE. */
export function sort<T>(
  items: readonly T[],
  columns: readonly ListColumn<T>[],
  { sort: said }: Layout,
): readonly T[] {
  if (said === undefined) return items;
  const { value, text } = named(said.column, columns, '--sort');
  const keyed = items.map((item) => ({
    item,
    key: value ? value(item) : text(item, { colors: NO_COLORS }),
  }));
  const sign = said.descending ? -1 : 1;
  return keyed.sort((a, b) => sign * compare(a.key, b.key)).map(({ item }) => item);
}

function named<T>(name: string, columns: readonly ListColumn<T>[], flag: string): ListColumn<T> {
  const found = columns.find(({ title }) => nameOf(title) === name);
  if (found) return found;
  const names = columns.map(({ title }) => nameOf(title)).join(', ');
  throw new EnjambreError('invalid', 'USAGE', `${flag}: there is no column "${name}": choose from ${names}`);
}

/** The name of a column in flags. */
export function nameOf(title: string): string {
  return title.replaceAll(' ', '-');
}

type Key = number | bigint | string | undefined;

/** Absent values come first, as the smallest. */
function compare(a: Key, b: Key): number {
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined);
  if (typeof a === 'string' || typeof b === 'string') {
    collator ??= new Intl.Collator('en', { numeric: true });
    return collator.compare(String(a), String(b));
  }
  return a < b ? -1 : Number(a > b);
}
