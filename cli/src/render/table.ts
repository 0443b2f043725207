import CliTable3 from 'cli-table3';
import type { Output } from '../output.js';

export interface Column {
  readonly title: string;
  /** Numbers stand to the right. @default 'left' */
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

/** A table without lines, its columns as wide as their widest cell. Cells must be `plain` already. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  colors: Output['colors'],
): string {
  const lines = new CliTable3({
    head: columns.map(({ title }) => colors.dim(title.toUpperCase())),
    colAligns: columns.map(({ align = 'left' }) => align),
    chars: { ...NO_BORDER, ...NO_RULES },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  lines.push(...rows.map((row) => [...row]));
  return lines
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
