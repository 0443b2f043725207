import CliTable3 from 'cli-table3';
import type { Screen } from '../output.js';
import { columnsOf, wrap } from './text.js';

export interface Column {
  readonly title: string;
  /** Use 'right' for numbers. @default 'left' */
  readonly align?: 'left' | 'right';
}

const GAP = '  ';
const NO_BORDER = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right'].map(
    (name) => [name, ''],
  ),
);
const NO_RULES = {
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
};

/** Minimum width of a column of text. */
const NARROWEST = 8;
/** Matches a cell that is styled as a whole. */
const STYLED = /^((?:\u001b\[\d+m)*)(.*?)((?:\u001b\[\d+m)*)$/s;

/**
 * A table without borders; each column is as wide as its widest cell. If the terminal is narrower, the widest text
 * columns shrink and their cells wrap; nothing is cut. Pass cells through `plain` first.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { colors, width }: Screen,
): string {
  const titles = columns.map(({ title }) => title.toUpperCase());
  const widths = fit(columns, [titles, ...rows], width);
  const broken = (row: readonly string[]): string[] =>
    row.map((cell, at) => broke(cell, widths[at] ?? Infinity));
  const lines = new CliTable3({
    head: broken(titles.map((title) => colors.dim(title))),
    colAligns: columns.map(({ align = 'left' }) => align),
    chars: { ...NO_BORDER, ...NO_RULES },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  lines.push(...rows.map(broken));
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Widths at which all columns fit: columns of numbers keep their width, the widest of the others shrink. */
function fit(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): number[] {
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => columnsOf(unstyled(row[at] ?? '')))));
  let excess = widths.reduce((sum, each) => sum + each + GAP.length, -GAP.length) - width;
  while (excess > 0) {
    const shrinkable = columns.flatMap(({ align }, at) => (align === 'right' ? [] : [at]));
    const widest = shrinkable.reduce(
      (best, at) => ((widths[at] ?? 0) > (widths[best] ?? 0) ? at : best),
      shrinkable[0] ?? 0,
    );
    const its = widths[widest] ?? 0;
    if (shrinkable.length === 0 || its <= NARROWEST) break;
    widths[widest] = its - 1;
    excess -= 1;
  }
  return widths;
}

function broke(cell: string, columns: number): string {
  const [, before = '', text = '', after = ''] = STYLED.exec(cell) ?? [];
  return wrap(text, columns)
    .map((line) => before + line + after)
    .join('\n');
}

function unstyled(cell: string): string {
  return STYLED.exec(cell)?.[2] ?? cell;
}
