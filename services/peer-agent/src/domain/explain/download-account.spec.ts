import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CAUSES, type Cause } from './causes.js';
import { DownloadAccount } from './download-account.js';

/** A clock that a test moves; its calendar is independent. */
class HandClock {
  #nowMs = 1000;
  #epochMs = 1_700_000_000_000;

  nowMs(): number {
    return this.#nowMs;
  }

  epochMs(): number {
    return this.#epochMs;
  }

  pass(ms: number): void {
    this.#nowMs += ms;
    this.#epochMs += ms;
  }
}

const cause = fc.constantFrom(...CAUSES);
const step = fc.oneof(
  fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(10_000) }),
  fc.record({ kind: fc.constant('enter' as const), cause }),
  fc.record({ kind: fc.constant('settle' as const), cause, stalled: fc.boolean() }),
  fc.record({ kind: fc.constant('restart' as const), ms: fc.nat(10_000) }),
);

function sumOf({ record }: DownloadAccount): number {
  return Object.values(record.spent).reduce((sum, { ms }) => sum + ms, 0);
}

describe('the account of a download', () => {
  it('gives all its time to causes, whatever happens: they add up to the total, even through restarts', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = new HandClock();
        let account = new DownloadAccount(clock);
        account.enter('metainfo');
        let wholeMs = 0;
        for (const one of steps) {
          if (one.kind === 'enter') account.enter(one.cause);
          else if (one.kind === 'settle') account.settle(one.cause, one.stalled);
          else {
            clock.pass(one.ms);
            wholeMs += one.ms;
            if (one.kind === 'pass') continue;
            // The last thing an ending process writes is a record; time passes until the next one starts.
            account = new DownloadAccount(clock, account.record);
            clock.pass(one.ms);
            wholeMs += one.ms;
            account.enter('checking');
          }
        }
        expect(account.totalMs).toBeCloseTo(wholeMs, 3);
        expect(sumOf(account)).toBeCloseTo(wholeMs, 3);
        for (const { ms, stalledMs } of Object.values(account.record.spent)) {
          expect(stalledMs).toBeGreaterThanOrEqual(0);
          expect(stalledMs).toBeLessThanOrEqual(ms + 1e-6);
        }
      }),
    );
  });

  it('gives the time since the last call to the named cause, or to the one that was entered', () => {
    const clock = new HandClock();
    const account = new DownloadAccount(clock);
    account.enter('checking');
    clock.pass(10);
    account.settle('disk', false);
    clock.pass(20);
    account.settle();
    clock.pass(5);
    expect(account.record.spent).toEqual({
      disk: { ms: 10, stalledMs: 0 },
      checking: { ms: 25, stalledMs: 25 },
    });
  });

  it.each<[Cause]>([['paused'], ['failed'], ['off']])(
    'gives the time between two processes to the named cause, such as "%s"',
    (meanwhile) => {
      const clock = new HandClock();
      const before = new DownloadAccount(clock);
      before.enter('metainfo');
      clock.pass(7);
      const { record } = before;
      clock.pass(50);
      const after = new DownloadAccount(clock, record);
      after.enter('checking', meanwhile);
      clock.pass(3);
      after.enter('finishing', meanwhile);
      expect(after.record.spent).toEqual({
        metainfo: { ms: 7, stalledMs: 7 },
        [meanwhile]: { ms: 50, stalledMs: 50 },
        checking: { ms: 3, stalledMs: 3 },
      });
    },
  );

  it('counts no time while it is closed, nor the time before it is reopened', () => {
    const clock = new HandClock();
    const account = new DownloadAccount(clock);
    account.enter('sources');
    clock.pass(4);
    account.close();
    clock.pass(100);
    account.settle('disk', false);
    expect(account.totalMs).toBe(4);
    expect(account.record.untilMs).toBe(0);
    account.enter('checking');
    clock.pass(6);
    expect(account.record.spent).toEqual({
      sources: { ms: 4, stalledMs: 4 },
      checking: { ms: 6, stalledMs: 6 },
    });
  });

  it('ignores a calendar that ran backwards', () => {
    const clock = new HandClock();
    const record = { ...new DownloadAccount(clock).record, untilMs: clock.epochMs() + 60_000 };
    const account = new DownloadAccount(clock, record);
    account.enter('checking');
    expect(account.totalMs).toBe(0);
  });

  it('records once when the metainfo and the first block arrived, and counts mishaps', () => {
    const clock = new HandClock();
    const account = new DownloadAccount(clock);
    account.enter('metainfo');
    clock.pass(3);
    account.metainfoFound();
    clock.pass(4);
    account.blockCame();
    clock.pass(5);
    account.metainfoFound();
    account.blockCame();
    account.note('ban');
    account.note('ban');
    account.repeated(10);
    expect(account.record).toMatchObject({
      metainfoAtMs: 3,
      firstByteAtMs: 7,
      mishaps: { ban: 2 },
      duplicateBytes: 10,
    });
  });
});
