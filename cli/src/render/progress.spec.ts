import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Output } from '../output.js';
import { barLines, ProgressLine, type Progress } from './progress.js';
import { columnsOf } from './text.js';

const progress: Progress = {
  name: 'model.bin',
  doneBytes: 250_000_000,
  sizeBytes: 1_000_000_000,
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

    expect(barLines(progress, 100, output.colors)).toEqual([
      `model.bin  ${'█'.repeat(7)}${'░'.repeat(23)}  25%  250 MB/1 GB  50 MB/s  15s left  3 sources`,
    ]);
  });

  test('never fills more columns than the terminal has', () => {
    const { output } = screen();
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 50 }),
        fc.integer({ min: 10, max: 200 }),
        (name, columns) => {
          const lines = barLines({ ...progress, name, note: `checking ${name}` }, columns, output.colors);
          for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
        },
      ),
    );
  });

  test('says what it waits for while the size is unknown', () => {
    const { output } = screen();
    const waiting = {
      name: '5d41402a',
      doneBytes: 0,
      sizeBytes: 0,
      rate: 0,
      note: 'resolving: no peer has it',
    };

    const [line, ...more] = barLines(waiting, 79, output.colors);
    expect(line).toContain('resolving: no peer has it');
    expect(line).not.toContain('%');
    expect(more).toEqual([]);
  });

  const note = 'no peer answers (first-machine at 127.0.0.1:7072: connect ECONNREFUSED 127.0.0.1:7072)';

  test.each([40, 80, 140])('says why nothing moves on a terminal of %d columns', (columns) => {
    const { output } = screen();
    const stuck = { ...progress, name: 'a-model-with-a-name-that-is-quite-long.safetensors', rate: 0, note };

    const lines = barLines(stuck, columns - 1, output.colors);
    const text = lines.join(' ').replace(/\s+/g, ' ');
    expect(text).toContain(note);
    for (const fact of ['25%', '250 MB/1 GB', '15s left', '3 sources']) expect(text).toContain(fact);
    for (const line of lines) expect(columnsOf(line)).toBeLessThan(columns);
  });

  test('counts wide characters twice, and marks a cut reason with …', () => {
    const { output } = screen();
    const lines = barLines({ ...progress, name: '文'.repeat(40), note: '件'.repeat(300) }, 79, output.colors);

    expect(lines[0]).toMatch(/^文{15}…  /);
    expect(lines).toHaveLength(5);
    expect(lines[4]).toMatch(/件…$/);
    for (const line of lines) expect(columnsOf(line)).toBeLessThan(80);
  });

  test('is redrawn completely, however many lines it had', () => {
    const { output, written } = screen({ isTTY: true });
    const line = new ProgressLine(output, () => 0);
    line.show({ ...progress, note: 'x'.repeat(100) });
    line.show({ ...progress, note: 'y' });
    line.show({ ...progress, note: 'z' });
    line.leave();
    line.show(progress);

    expect(
      written()
        .split('\r\u001b[K')
        .map((part) => /^(\u001b\[\d+A\u001b\[J)?/.exec(part)?.[0]),
    ).toEqual(['', '', '\u001b[2A\u001b[J', '', '', '']);
  });

  /** Seconds at which lines are printed in a pipe within `seconds`. */
  function printedAt(seconds: number, at: (ms: number) => Partial<Progress>): number[] {
    const { output, written } = screen();
    const times: number[] = [];
    let now = 0;
    const line = new ProgressLine(output, () => now);
    for (let length = 0; now <= seconds * 1000; now += 200) {
      line.show({ ...progress, ...at(now) });
      if (written().length > length) times.push(now / 1000);
      length = written().length;
    }
    line.finish({ ...progress, doneBytes: 1_000_000_000 });
    expect(written()).toMatch(/100%.*\n$/);
    return times;
  }

  test('is printed in a pipe at the start, at intervals that grow to a minute, and at the end', () => {
    expect(printedAt(300, (ms) => ({ doneBytes: ms * 1000 }))).toEqual([0, 2, 6, 14, 30, 62, 122, 182, 242]);
  });

  test('that does not move is repeated at intervals that grow to ten minutes', () => {
    const times = printedAt(3600, () => ({ note: 'no peer answers', doneBytes: 0 }));
    expect(times).toEqual([0, 2, 6, 14, 30, 62, 126, 254, 510, 1022, 1622, 2222, 2822, 3422]);
  });

  test('is printed at once when it reports another reason, but not for each number in it', () => {
    const times = printedAt(60, (ms) => {
      if (ms < 20_000) return { note: `no peer answers, next attempt in ${Math.ceil(20 - ms / 1000)} s` };
      return { note: ms < 41_000 ? 'the disk is full' : 'no peer answers, next attempt in 7 s' };
    });
    expect(times).toEqual([0, 2, 6, 14, 20, 22, 26, 34, 50]);
  });

  test('several are redrawn together, and one that ends stays above the others', () => {
    const { output, written } = screen({ isTTY: true });
    const board = new Set<ProgressLine>();
    const [a, b] = ['a', 'b'].map((name) => {
      const line = new ProgressLine(output, () => 0, board);
      line.show({ ...progress, name });
      return line;
    });
    a?.finish({ ...progress, name: 'a', doneBytes: 1_000_000_000 });
    output.line('done');
    b?.show({ ...progress, name: 'b' });
    output.error('a warning');

    const drawn = written().split(/\r\u001b\[K(?:\u001b\[\d+A\u001b\[J)?/);
    expect(drawn.map((part) => part.replace(/ .*/g, ''))).toEqual(['', 'a', 'a\nb', 'a\ndone\n', 'b', 'a\n']);
  });

  test('is redrawn on a terminal and left with one newline', () => {
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
