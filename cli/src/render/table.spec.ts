import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import picocolors from 'picocolors';
import { table } from './table.js';
import { columnsOf, plain } from './text.js';

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

  test.each([28, 40, 50, 60])('is shortened to fit a terminal of %d columns, in its widest text', (width) => {
    const lines = bare(table(columns, rows, { colors, width })).split('\n');
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(width);
    expect(lines[1]).toMatch(/^first-\S+ +102\.2 MB +banned.*…$/);
  });

  test('shortens the widest column of text first, and one that is kept only if nothing else is left', () => {
    const kept = [{ title: 'a' }, { title: 'b', overflow: 'keep' }, { title: 'c' }] as const;
    const cells = [['a'.repeat(12), 'b'.repeat(20), 'c'.repeat(30)]];
    const [, at50 = ''] = bare(table(kept, cells, { colors, width: 50 })).split('\n');
    expect(at50).toBe(`${'a'.repeat(12)}  ${'b'.repeat(20)}  ${'c'.repeat(13)}…`);
    const [, at30 = ''] = bare(table(kept, cells, { colors, width: 30 })).split('\n');
    expect(at30).toBe('aaaaaaa…  bbbbbbbbb…  ccccccc…');
  });

  test('wraps a column of sentences between words, below itself', () => {
    const text = table([{ title: 'level' }, { title: 'message', overflow: 'wrap' }], [['fail', reason]], {
      colors,
      width: 30,
    });
    expect(bare(text).split('\n')).toEqual([
      'LEVEL  MESSAGE',
      'fail   banned: sent bytes that',
      '       do not belong to piece',
      '       17',
    ]);
  });

  test('keeps the colour of a cell that is shortened', () => {
    const coloured = table(columns, rows, { colors, width: 40 }).split('\n')[1];
    expect(coloured).toMatch(/\u001b\[31mbanned.*…\u001b\[39m$/);
  });

  test('fits any terminal of 40 columns or more, whatever the text', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 60 }).map(plain);
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell, cell)), fc.integer({ min: 40, max: 120 }), (cells, width) => {
        const three = [{ title: 'a' }, { title: 'b' }, { title: 'c', overflow: 'keep' }] as const;
        for (const line of bare(table(three, cells, { colors, width })).split('\n'))
          expect(columnsOf(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  test('does not wrap numbers, and keeps cells that cannot fit', () => {
    expect(
      bare(table([{ title: 'bytes', align: 'right' }], [['1234567890']], { colors, width: 5 })),
    ).toContain('1234567890');
  });
});
