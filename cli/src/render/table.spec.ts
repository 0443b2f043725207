import { describe, expect, test } from '@jest/globals';
import picocolors from 'picocolors';
import { table } from './table.js';
import { columnsOf } from './text.js';

const colors = picocolors.createColors(true);
const columns = [{ title: 'peer' }, { title: 'received', align: 'right' }, { title: 'status' }] as const;
const reason = 'banned: sent bytes that do not belong to piece 17';
const rows = [
  ['first-machine', '102.2 MB', colors.red(reason)],
  ['文件', '3 B', 'connected'],
];
const bare = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

describe('a table', () => {
  test('has columns as wide as their widest cell where there is room', () => {
    expect(bare(table(columns, rows, { colors, width: Infinity })).split('\n')).toEqual([
      'PEER           RECEIVED  STATUS',
      `first-machine  102.2 MB  ${reason}`,
      '文件                3 B  connected',
    ]);
  });

  test.each([40, 50, 60])('fits a terminal of %d columns, and cuts nothing', (width) => {
    const text = table(columns, rows, { colors, width });
    const lines = bare(text).split('\n');
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(width);
    for (const word of [...reason.split(' '), 'first-machine', '102.2', '文件', 'connected'])
      expect(lines.join(' ')).toContain(word);
  });

  test('colours each line of a cell that has a colour', () => {
    const coloured = table(columns, rows, { colors, width: 50 })
      .split('\n')
      .filter((line) => line.includes('\u001b[31m'));
    expect(coloured.length).toBeGreaterThan(1);
    for (const line of coloured) expect(line).toMatch(/\u001b\[31m.*\u001b\[39m$/);
  });

  test('does not wrap numbers, and keeps cells that cannot fit', () => {
    expect(
      bare(table([{ title: 'bytes', align: 'right' }], [['1234567890']], { colors, width: 5 })),
    ).toContain('1234567890');
  });
});
