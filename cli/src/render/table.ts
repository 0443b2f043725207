import type { Screen } from '../output.js';
import { columnsOf, shorten, wrapWords } from './text.js';

export interface Column {
  readonly title: string;
  /** Use 'right' for numbers, which are never shortened. @default 'left' */
  readonly align?: 'left' | 'right' | undefined;
  /** What happens to text that does not fit: it is shortened, wrapped between words, or shortened only if nothing else can be. @default 'shorten' */
  readonly overflow?: 'shorten' | 'wrap' | 'keep' | undefined;
  /** @default 0 */
  readonly minWidth?: number | undefined;
}

type Row = readonly string[];

interface TableOptions {
  /** @default true */
  readonly header?: boolean;
}

const GAP = '  ';
/** Widths below which a column is not shortened, first while another can be, then at all. */
const NARROW = 8;
const NARROWEST = 3;
/** Matches a cell that is styled as a whole. */
const STYLED = /^((?:\u001b\[\d+m)*)(.*?)((?:\u001b\[\d+m)*)$/s;

/**
 * A table without borders; each column is as wide as its widest cell. If the terminal is narrower, the widest columns
 * of text are shortened with "…". Pass cells through `plain` first.
 */
export function table(
  columns: readonly Column[],
  rows: readonly Row[],
  { colors, width }: Pick<Screen, 'colors' | 'width'>,
  { header = true }: TableOptions = {},
): string {
  const titles = columns.map(({ title }) => title.toUpperCase());
  const widths = fit(columns, header ? [titles, ...rows] : rows, width);
  const head = header
    ? [
        linesOf(
          titles.map((title) => colors.dim(title)),
          columns,
          widths,
        ),
      ]
    : [];
  return [...head, ...rows.map((row) => linesOf(row, columns, widths))].join('\n');
}

/** Widths at which all columns fit, if that is possible. */
function fit(columns: readonly Column[], rows: readonly Row[], width: number): number[] {
  const widths = columns.map(({ minWidth = 0 }, at) =>
    rows.reduce((most, row) => Math.max(most, columnsOf(row[at] ?? '')), minWidth),
  );
  if (width === Infinity) return widths;
  const text = columns.flatMap(({ align }, at) => (align === 'right' ? [] : [at]));
  const first = text.filter((at) => columns[at]?.overflow !== 'keep');
  for (const [shrinkable, least] of [
    [first, NARROW] as const,
    [text, NARROW] as const,
    [text, NARROWEST] as const,
  ])
    shrink(widths, shrinkable, { least, width });
  return widths;
}

/** Narrows the widest of the columns `shrinkable`, one character at a time, until all fit or none is wider than `least`. */
function shrink(
  widths: number[],
  shrinkable: readonly number[],
  { least, width }: { readonly least: number; readonly width: number },
): void {
  const [first = 0] = shrinkable;
  for (let excess = total(widths) - width; excess > 0 && shrinkable.length > 0; excess -= 1) {
    const widest = shrinkable.reduce(
      (best, at) => ((widths[at] ?? 0) > (widths[best] ?? 0) ? at : best),
      first,
    );
    const its = widths[widest] ?? 0;
    if (its <= least) return;
    widths[widest] = its - 1;
  }
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each + GAP.length, -GAP.length);
}

/** A row; several lines if a cell is wrapped. */
function linesOf(row: Row, columns: readonly Column[], widths: readonly number[]): string {
  const cells = columns.map((column, at) => cellLines(row[at] ?? '', column, widths[at] ?? 0));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, at) => padded(lines[line] ?? '', widths[at] ?? 0, columns[at]?.align))
      .join(GAP)
      .trimEnd(),
  ).join('\n');
}

function cellLines(cell: string, { align, overflow }: Column, width: number): string[] {
  if (align === 'right' || columnsOf(cell) <= width) return [cell];
  const [, before = '', text = '', after = ''] = STYLED.exec(cell) ?? [];
  const lines = overflow === 'wrap' ? wrapWords(text, width) : [shorten(text, width)];
  return lines.map((line) => before + line + after);
}

function padded(cell: string, width: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(0, width - columnsOf(cell)));
  return align === 'right' ? space + cell : cell + space;
}
