import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Output } from '../output.js';
import { barLine, ProgressLine, type Progress } from './progress.js';
import { columnsOf } from './text.js';

const progress: Progress = {
  name: 'model.bin',
  bytesDone: 250_000_000,
  bytesTotal: 1_000_000_000,
  rate: 50_000_000,
  secondsLeft: 15,
  sources: 3,
};

function screen(options: { isTTY?: boolean; json?: boolean } = {}): {
  output: Output;
  written: () => string;
} {
  let written = '';
  const stdout = { write: (text: string) => (written += text), isTTY: options.isTTY ?? false, columns: 80 };
  const output = new Output(stdout, stdout, { json: options.json ?? false, color: false });
  return { output, written: () => written };
}

describe('a progress line', () => {
  test('shows bar, percent, bytes, rate, time left and sources', () => {
    const { output } = screen();

    expect(barLine(progress, 100, output.colors)).toBe(
      `model.bin  ${'█'.repeat(7)}${'░'.repeat(23)}  25%  250 MB/1 GB  50 MB/s  15 s left  3 sources`,
    );
  });

  test('never fills more columns than there are', () => {
    const { output } = screen();
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 50 }),
        fc.integer({ min: 10, max: 200 }),
        (name, columns) => {
          expect(
            columnsOf(barLine({ ...progress, name, note: 'checking' }, columns, output.colors)),
          ).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  test('says what it waits for while the size is not known', () => {
    const { output } = screen();
    const waiting = {
      name: '5d41402a',
      bytesDone: 0,
      bytesTotal: 0,
      rate: 0,
      note: 'resolving: no peer has it',
    };

    expect(barLine(waiting, 79, output.colors)).toContain('resolving: no peer has it');
    expect(barLine(waiting, 79, output.colors)).not.toContain('%');
  });

  test('is printed at the start, then at most every two seconds, and at the end', () => {
    const { output, written } = screen();
    let now = 0;
    const line = new ProgressLine(output, () => now);
    for (; now < 5000; now += 200) line.show({ ...progress, bytesDone: now * 100_000 });
    line.finish({ ...progress, bytesDone: 1_000_000_000 });

    const percents = written().match(/\d+%/g);
    expect(percents).toEqual(['0%', '20%', '40%', '100%']);
  });

  test('is drawn over on a terminal and left with one new line', () => {
    const { output, written } = screen({ isTTY: true });
    const line = new ProgressLine(output, () => 0);
    line.show(progress);
    line.show(progress);
    line.finish();
    line.finish();

    expect(written().match(/\r\u001b\[K/g)).toHaveLength(3);
    expect(written().match(/\n/g)).toHaveLength(1);
  });

  test('shows nothing with --json', () => {
    const { output, written } = screen({ isTTY: true, json: true });
    const line = new ProgressLine(output, () => 0);
    line.show(progress);
    line.finish();

    expect(written()).toBe('');
  });
});
