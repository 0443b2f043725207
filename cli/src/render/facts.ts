import type { Screen } from '../output.js';
import { table } from './table.js';

/** A fact of a detailed view; one with an empty value is not shown. */
export type Fact = readonly [title: string, value: string];

const TITLE_COLUMNS = 8;

/** Facts below a heading, one a line; long values continue on indented lines, broken between words. */
export function factLines(
  facts: readonly Fact[],
  { colors, width }: Pick<Screen, 'colors' | 'width'>,
): string[] {
  const rows = facts.filter(([, value]) => value !== '').map(([title, value]) => [colors.dim(title), value]);
  if (rows.length === 0) return [];
  const columns = [
    { title: '', minWidth: TITLE_COLUMNS, overflow: 'keep' },
    { title: '', overflow: 'wrap' },
  ] as const;
  const lines = table(columns, rows, { colors, width: width - INDENT.length }, { header: false });
  return lines.split('\n').map((line) => INDENT + line);
}

const INDENT = '  ';
