import { describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { BoundedLog, type Sink } from './bounded-log.js';
import { endLogs } from './standard-output.js';

type Answer = { readonly error?: unknown; readonly taken?: number };

/** A reader with scripted answers, which otherwise takes everything. */
class ScriptedSink implements Sink {
  text = '';
  readonly answers: Answer[] = [];
  /** Calls wait here while it is slow. */
  readonly held: (() => void)[] = [];
  isSlow = false;

  write(bytes: Buffer, done: (error: unknown, taken: number) => void): void {
    const answer = (): void => {
      const { error, taken = error ? 0 : bytes.length } = this.answers.shift() ?? {};
      this.text += bytes.subarray(0, taken).toString();
      done(error, taken);
    };
    if (this.isSlow) this.held.push(answer);
    else answer();
  }

  writeNow(bytes: Buffer): number {
    this.text += bytes.toString();
    return bytes.length;
  }

  endTimeoutMs = 20_000;
  abandoned = 0;
  /** A hanging thread cannot be interrupted. */
  canGiveUp = true;

  abandon(): boolean {
    this.abandoned += 1;
    return this.canGiveUp;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
const gone = Object.assign(new Error('EPIPE'), { code: 'EPIPE' });
const quick = { maxBytes: 100, fullRetryMs: 1, errorRetryMs: 1 };

describe('a log whose reader may stop', () => {
  it('writes lines in order', () => {
    const sink = new ScriptedSink();
    const log = new BoundedLog(sink, quick);
    for (const text of ['one', 'two', 'drei ü']) log.write(`${text}\n`);
    expect(sink.lines).toEqual(['one', 'two', 'drei ü']);
    expect(log.isPending).toBe(false);
  });

  it('tries a full pipe again, and splits no line', async () => {
    const sink = new ScriptedSink();
    sink.answers.push({ taken: 2 }, { taken: 0 }, { taken: 3 }, { taken: 0 });
    const log = new BoundedLog(sink, quick);
    log.write('first\n');
    log.write('second\n');
    await waitFor(() => !log.isPending, { what: 'both lines', everyMs: 1, seen: () => sink.text });
    expect(sink.lines).toEqual(['first', 'second']);
    expect(log.dropped).toBe(0);
  });

  it('keeps to its limit, drops the newest lines and reports their number in their place', () => {
    const sink = new ScriptedSink();
    sink.isSlow = true;
    const log = new BoundedLog(sink, quick);
    // The first is handed to the sink, ten wait, the others are dropped.
    for (let n = 0; n < 16; n++) log.write(`line ${String(n).padStart(4, '0')}\n`);
    expect(log.dropped).toBe(5);
    sink.isSlow = false;
    sink.held.shift()?.();
    log.write('after\n');
    expect(sink.lines).toEqual([
      ...Array.from({ length: 11 }, (_, n) => `line ${String(n).padStart(4, '0')}`),
      '5 log lines were dropped: the reader is too slow',
      'after',
    ]);
    expect(log.dropped).toBe(5);
  });

  it('drops lines that a full disk refuses, reports that once when there is room, and completes a line that it has begun', async () => {
    const sink = new ScriptedSink();
    sink.answers.push({ taken: 3 }, { error: full }, { error: full });
    const log = new BoundedLog(sink, quick);
    log.write('torn?\n');
    log.write('lost\n');
    log.write('lost, too\n');
    // Lines written while it fails are tried together with the notice.
    await waitFor(() => sink.answers.length === 0, { what: 'the second failure', everyMs: 1 });
    log.write('there\n');
    await waitFor(() => !log.isPending, { what: 'the rest', everyMs: 1, seen: () => sink.text });
    expect(sink.lines).toEqual(['torn?', '2 log lines were dropped: no space left on device', 'there']);
    expect(log.dropped).toBe(2);
  });

  it('counts each lost line once, however often the notice itself is lost', async () => {
    const sink = new ScriptedSink();
    sink.answers.push(...Array.from({ length: 5 }, () => ({ error: gone })));
    const log = new BoundedLog(sink, quick);
    log.write('lost\n');
    await waitFor(() => sink.answers.length === 0, { what: 'the failures', everyMs: 1 });
    await waitFor(() => sink.text !== '', { what: 'the notice', everyMs: 1 });
    expect(sink.lines).toEqual(['1 log lines were dropped: the reader is gone']);
    expect(log.dropped).toBe(1);
  });

  it('ends when the reader has everything, or after the timeout when it takes nothing', async () => {
    const sink = new ScriptedSink();
    sink.answers.push({ taken: 0 }, { taken: 0 });
    const log = new BoundedLog(sink, quick);
    log.write('last\n');
    await log.end();
    expect(sink.lines).toEqual(['last']);
    expect(log.abandon()).toBe(true);
    expect(sink.abandoned).toBe(0);
    sink.isSlow = true;
    sink.endTimeoutMs = 20;
    log.write('never read\n');
    await log.end();
    expect(log.isPending).toBe(true);
    // The other outputs may not have ended yet.
    expect(sink.abandoned).toBe(0);
    expect(log.abandon()).toBe(true);
    expect(sink.abandoned).toBe(1);
  });

  it('is given up only after the other logs have ended, each within its own timeout', async () => {
    const sinks = [new ScriptedSink(), new ScriptedSink()] as const;
    const [held, slow] = sinks;
    const logs = sinks.map((sink) => new BoundedLog(sink, quick));
    for (const log of logs) log.write('last\n');
    expect(held.lines).toEqual(['last']);
    for (const sink of sinks) sink.isSlow = true;
    for (const log of logs) log.write('very last\n');
    held.endTimeoutMs = 1;
    held.canGiveUp = false;
    const ended = endLogs(logs);
    await logs[0]!.end();
    expect(held.abandoned).toBe(0);
    slow.held.shift()?.();
    expect(await ended).toBe(false);
    expect(slow.lines).toEqual(['last', 'very last']);
    expect([held.abandoned, slow.abandoned]).toEqual([1, 0]);
  });

  it('writes the waiting lines when the process exits without a wait', () => {
    const sink = new ScriptedSink();
    sink.answers.push({ taken: 2 }, { taken: 0 });
    const log = new BoundedLog(sink, quick);
    log.write('first\n');
    log.write('second\n');
    log.endNow();
    expect(sink.lines).toEqual(['first', 'second']);
  });
});
