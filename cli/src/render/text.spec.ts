import { describe, expect, test } from '@jest/globals';
import { parseBytes, parseRate } from '@enjambre/common/config/parse-quantities';
import fc from 'fast-check';
import { toJsonLine } from './json-line.js';
import {
  clockTime,
  columnsOf,
  formatAgo,
  formatBinary,
  formatBytes,
  formatPercent,
  formatRate,
  formatSeconds,
  plain,
  shorten,
  timeLeftText,
  wrap,
  wrapWords,
} from './text.js';

describe('text from the network', () => {
  test('cannot move the cursor, recolour or reorder a terminal', () => {
    expect(plain('a\u001b[31mred\n\r\t\u0007')).toBe('a\\x1b[31mred\\x0a\\x0d\\x09\\x07');
    expect(plain('\u009b2J')).toBe('\\x9b2J');
    expect(plain('exe.\u202egpj')).toBe('exe.\\u202egpj');
    expect(plain('lone \ud800')).toBe('lone \\ud800');
  });

  test('is unchanged if it is harmless', () => {
    expect(plain('año 文件 😀 [x] \\')).toBe('año 文件 😀 [x] \\');
  });

  test('never contains a control character, and keeps its meaning in JSON', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const line = toJsonLine({ type: 'x', text });
        expect(plain(text)).not.toMatch(/[\p{Cc}\u202e\u2028]/u);
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\u202e\u2028]/u);
        expect(JSON.parse(line)).toEqual({ type: 'x', ...(text !== '' && { text }) });
      }),
    );
  });

  test('bigints are numbers, and fields without a value are left out of JSON, but not labels', () => {
    const empty = { none: undefined, text: '', peer: { name: '' }, list: [] };
    expect(toJsonLine({ type: 'x', size_bytes: 12n, zero: 0, ...empty, labels: { gpu: '' } })).toBe(
      '{"type":"x","size_bytes":12,"zero":0,"peer":{},"list":[],"labels":{"gpu":""}}\n',
    );
  });
});

describe('numbers for people', () => {
  test.each([
    [0, '0s'],
    [0.05, '50ms'],
    [0.84, '840ms'],
    [2.46, '2.5s'],
    [12.4, '12s'],
    [200, '3m20s'],
    [180, '3m'],
    [7500, '2h5m'],
    [90_000, '1d1h'],
  ])('%d seconds are %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });

  test('sizes and rates are printed in the form that flags read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e15 }), (bytes) => {
        for (const text of [formatBytes(bytes), formatBinary(BigInt(bytes))])
          expect(Math.abs(parseBytes(text) / bytes - 1)).toBeLessThan(0.01);
        const rate = Math.min(1e12, 1000 + bytes);
        expect(Math.abs(parseRate(formatRate(rate)) / rate - 1)).toBeLessThan(0.01);
      }),
    );
  });

  test.each([
    [0.0011, '1s left'],
    [15.2, '16s left'],
    [90, '1m30s left'],
    [86_400, '1d left'],
    [86_401, 'more than a day left'],
    [773_020_800, 'more than a day left'],
  ])('%d seconds left are shown as %s', (seconds, text) => {
    expect(timeLeftText(seconds)).toBe(text);
  });

  test('100% means complete', () => {
    expect(formatPercent(999_999_999n, 1_000_000_000n)).toBe('99%');
    expect(formatPercent(7n, 7n)).toBe('100%');
    expect(formatPercent(0n, 0n)).toBe('0%');
  });

  test('times are relative to now', () => {
    expect(formatAgo(new Date(1000), 1400)).toBe('just now');
    expect(formatAgo(new Date(1000), 181_000)).toBe('3m ago');
    expect(formatAgo(undefined, 0)).toBe('');
  });

  test('wide characters fill two columns, joiners none', () => {
    expect(columnsOf('文件.bin')).toBe(8);
    expect(columnsOf('🚀✅')).toBe(4);
    expect(columnsOf('e\u0301a')).toBe(2);
    expect(columnsOf('👩‍👩‍👧 a\u200bb')).toBe(5);
  });
});

describe('text in narrow columns', () => {
  test.each([
    ['no peer answers', 20, 'no peer answers'],
    ['no peer answers', 8, 'no peer…'],
    ['no peer answers', 9, 'no peer…'],
    ['文件文件', 5, '文件…'],
    ['文件文件', 4, '文…'],
    ['ab', 1, '…'],
    ['👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 5, '👩‍👩‍👧👩‍👩‍👧…'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
  ])('%j is shortened to %d columns: %j', (text, columns, short) => {
    expect(shorten(text, columns)).toBe(short);
  });

  test.each([
    ['no peer answers', 8, ['no peer', 'answers']],
    ['no peer', 7, ['no peer']],
    ['10.0.0.3:7072 is away', 8, ['10.0.0.3', ':7072 is', 'away']],
    ['文件文件', 5, ['文件', '文件']],
    ['', 5, ['']],
  ])('%j is broken at %d columns into %j', (text, columns, lines) => {
    expect(wrap(text, columns)).toEqual(lines);
  });

  test('is wrapped between words only, where no word may break', () => {
    expect(wrapWords('see https://example.org/long or', 8)).toEqual([
      'see',
      'https://example.org/long',
      'or',
    ]);
    expect(wrapWords('no peer answers', Infinity)).toEqual(['no peer answers']);
    expect(wrapWords('', 5)).toEqual(['']);
  });

  test('is wrapped without loss into lines that fit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 2, max: 30 }), (any, columns) => {
        const text = any.trim();
        const lines = wrap(text, columns);
        for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
        expect(lines.join('').replace(/\s/gu, '')).toBe(text.replace(/\s/gu, ''));
      }),
    );
  });
});

test('times for people have a zone, so that machines can be compared', () => {
  const date = new Date(Date.UTC(2026, 10, 25, 12, 4, 59));
  const text = clockTime(date);
  expect(text).toMatch(/^2026-11-2[456] \d\d:\d\d:59 [+-]\d\d:\d\d$/);
  expect(Date.parse(text)).toBe(date.getTime());
});
