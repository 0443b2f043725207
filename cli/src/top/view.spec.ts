import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import picocolors from 'picocolors';
import {
  GetInfoResponse,
  Transfer,
  TransferState,
  TrackerState,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { columnsOf } from '../render/text.js';
import type { TopData } from './data.js';
import { FIRST_STATE, type TopState } from './state.js';
import { printedLines, topLines, visibleIn, type TopScreen } from './view.js';

const INFOHASH = 'ab'.repeat(32);

function transfer(name: string, more: Partial<Transfer> = {}): Transfer {
  return Transfer.fromPartial({
    infohash: INFOHASH,
    name,
    state: TransferState.DOWNLOADING,
    sizeBytes: 1000n,
    doneBytes: 500n,
    ...more,
  });
}

function data(names: readonly string[]): TopData {
  const info = GetInfoResponse.fromPartial({
    name: 'bob',
    tracker: 'tracker.internal:7070',
    trackerState: TrackerState.CONNECTED,
  });
  const transfers = names.map((name, at) =>
    transfer(name, { infohash: INFOHASH.replace(/^../, String(10 + at)) }),
  );
  return { info, transfers, peers: undefined, files: [], problem: '' };
}

const screen = (columns = 80, rows = 24, color = false): TopScreen => ({
  columns,
  rows,
  colors: picocolors.createColors(color),
  now: Date.UTC(2026, 10, 30, 12),
});

describe('the screen', () => {
  test('has header, lists, rows with a mark at the selected one, and keys', () => {
    const lines = topLines(FIRST_STATE, data(['one.bin', 'two.bin']), screen(), '');
    expect(lines).toHaveLength(24);
    expect(lines[0]).toMatch(/^enjambre top: bob {2}tracker tracker\.internal:7070 connected/);
    expect(lines[1]).toMatch(/^\[1 transfers\] {2}2 peers {3}3 network {3}2 rows/);
    expect(lines[2]).toMatch(/^ {2}NAME +STATE/);
    expect(lines[3]).toMatch(/^> one\.bin +downloading +50%/);
    expect(lines[4]).toMatch(/^ {2}two\.bin/);
    expect(lines.at(-1)).toMatch(/^q quit/);
  });

  test('follows the selection in a long list', () => {
    const all = data(Array.from({ length: 60 }, (_, at) => `file-${at}`));
    const state: TopState = { ...FIRST_STATE, selected: { transfers: all.transfers[40]?.infohash ?? '' } };
    expect(topLines(state, all, screen(), '').filter((line) => line.startsWith('> '))).toEqual([
      expect.stringMatching(/^> file-40 /),
    ]);
  });

  test('filters and sorts', () => {
    const state: TopState = {
      ...FIRST_STATE,
      filter: 'BIN',
      order: { transfers: { column: 'name', descending: true } },
    };
    const { rows } = visibleIn(state, data(['a.bin', 'b.txt', 'c.bin']), screen());
    expect(rows.map(({ name }) => name)).toEqual(['c.bin', 'a.bin']);
    const none = topLines({ ...state, filter: 'x' }, data(['a.bin']), screen(), '');
    expect(none.join('\n')).toContain('nothing matches "x"');
  });

  test('says what is missing: lists that are not here yet, and why', () => {
    const lines = topLines(
      { ...FIRST_STATE, tab: 'peers' },
      { ...data([]), problem: 'no tracker' },
      screen(),
      '',
    );
    expect(lines.join('\n')).toContain('listing peers …');
    expect(lines.at(-1)).toBe('no tracker');
  });

  test('escapes what a stranger named', () => {
    const lines = topLines(FIRST_STATE, data(['\u001b[31mred\nlines']), screen(), '');
    expect(lines.join('')).not.toContain('\u001b');
  });

  test('fits every terminal, in every mode', () => {
    const mode = fc.constantFrom<TopState['mode']>('list', 'filter', 'details', 'confirm', 'help');
    const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 120 });
    const size = fc.record({
      columns: fc.integer({ min: 20, max: 200 }),
      rows: fc.integer({ min: 5, max: 60 }),
    });
    fc.assert(
      fc.property(
        fc.array(name, { maxLength: 70 }),
        mode,
        size,
        fc.boolean(),
        (names, its, { columns, rows }, color) => {
          const asked = { kind: 'remove', id: 'x', name: names[0] ?? 'x' } as const;
          const state: TopState = {
            ...FIRST_STATE,
            mode: its,
            asked: its === 'confirm' ? asked : undefined,
            scroll: 3,
          };
          const lines = topLines(state, data(names), screen(columns, rows, color), '');
          expect(lines).toHaveLength(rows);
          for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  test('is printed once with all rows, and without keys', () => {
    const lines = printedLines(data(['one.bin', 'two.bin']), screen(Infinity));
    expect(lines.slice(1, 5)).toEqual([
      '',
      'transfers',
      expect.stringMatching(/^NAME/),
      expect.stringMatching(/^one\.bin/),
    ]);
    expect(lines.join('\n')).not.toContain('q quit');
  });
});
