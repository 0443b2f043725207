import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { tenSecondRates, type Movement } from '../../../test/support/windows.js';
import { partLength } from '../upload/part-length.js';
import { UNLIMITED } from './byte-bucket.js';
import { weightOf, type Priority } from './priority.js';
import { RateLimiter, type RateShare } from './rate-limiter.js';

const KB = 1000;
const MB = 1000 * KB;

/** Maximum bytes that a link takes at a time, limit or not. */
const MOST_AT_ONCE = 500;

/** A consumer that takes all it can from a share. */
interface Taker {
  readonly share: RateShare;
  /** How often it asks. */
  readonly everyMs: number;
  /** Bytes it takes at a time; @default what is sent at a time under the limit */
  readonly quantum?: number;
  /** It takes nothing outside these times. */
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** Lets consumers take on virtual time, and applies `changes` at their times. Returns what each took. */
function run(
  takers: readonly Taker[],
  toMs: number,
  changes: readonly { atMs: number; run: (nowMs: number) => void }[] = [],
): Movement[][] {
  const taken: Movement[][] = takers.map(() => []);
  const nextMs = takers.map(({ fromMs = 0 }, index) => fromMs + ((index * 7) % 10));
  const pending = [...changes];
  for (let nowMs = 0; nowMs < toMs; nowMs++) {
    while (pending[0] && pending[0].atMs <= nowMs) pending.shift()?.run(nowMs);
    takers.forEach(({ share, everyMs, quantum, untilMs = Infinity }, index) => {
      if (nowMs < nextMs[index]! || nowMs >= untilMs) return;
      nextMs[index] = nowMs + everyMs;
      for (let at = 0; share.mayTake(nowMs) && at < MOST_AT_ONCE; at++) {
        const bytes = quantum ?? partLength(share.ceiling);
        share.take(bytes);
        share.moved(bytes);
        taken[index]!.push({ atMs: nowMs, bytes });
      }
    });
  }
  return taken;
}

const sum = (movements: readonly Movement[]): number => movements.reduce((all, { bytes }) => all + bytes, 0);

function takers(limiter: RateLimiter, count: number, everyMs: number): Taker[] {
  return Array.from({ length: count }, () => ({ share: limiter.share(), everyMs }));
}

const between = (movements: readonly Movement[], fromMs: number, toMs: number): Movement[] =>
  movements.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);

describe('RateLimiter', () => {
  it.each([100 * KB, 500 * KB, 2 * MB, 10 * MB, 100 * MB])(
    'holds %i bytes per second within 5 %% over any ten seconds, for one transfer and for four',
    (limit) => {
      for (const count of [1, 4]) {
        const taken = run(takers(new RateLimiter(limit), count, 20), 25_000).flat();
        const { lowest, highest } = tenSecondRates(taken, { fromMs: 1000, toMs: 25_000 });
        expect(lowest).toBeGreaterThan(limit * 0.95);
        expect(highest).toBeLessThan(limit * 1.05);
      }
    },
  );

  it('holds its rate however often shares ask, come and go', () => {
    const taker = fc.record({
      everyMs: fc.integer({ min: 1, max: 100 }),
      priority: fc.constantFrom<Priority>('high', 'normal', 'low'),
      fromMs: fc.integer({ min: 0, max: 12_000 }),
      lastsMs: fc.integer({ min: 500, max: 20_000 }),
    });
    const limits = fc.constantFrom(300 * KB, MB, 7 * MB, 100 * MB);
    fc.assert(
      fc.property(limits, fc.array(taker, { maxLength: 5 }), (limit, others) => {
        const limiter = new RateLimiter(limit);
        const all = others.map(({ everyMs, priority, fromMs, lastsMs }): Taker => {
          const share = limiter.share();
          share.weight = weightOf(priority);
          return { share, everyMs, fromMs, untilMs: fromMs + lastsMs };
        });
        // One that always takes all it can, so no part of the rate may be lost.
        const taken = run([{ share: limiter.share(), everyMs: 20 }, ...all], 13_000).flat();
        const { lowest, highest } = tenSecondRates(taken, { fromMs: 1000, toMs: 13_000 });
        expect(lowest).toBeGreaterThan(limit * 0.95);
        expect(highest).toBeLessThan(limit * 1.05);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('divides equally among transfers, however often each of them asks', () => {
    const limiter = new RateLimiter(10 * MB);
    const [often, seldom] = run(
      [
        { share: limiter.share(), everyMs: 1 },
        { share: limiter.share(), everyMs: 100 },
      ],
      20_000,
    );
    expect(sum(often!) / sum(seldom!)).toBeCloseTo(1, 1);
  });

  it('divides by priority, four to two to one, and starves none', () => {
    for (const limit of [300 * KB, 10 * MB]) {
      const limiter = new RateLimiter(limit);
      const all = (['high', 'normal', 'low'] as const).map((priority): Taker => {
        const share = limiter.share();
        share.weight = weightOf(priority);
        return { share, everyMs: 10 };
      });
      const [high, normal, low] = run(all, 30_000).map(sum);
      expect(high! / low!).toBeCloseTo(4, 0);
      expect(normal! / low!).toBeCloseTo(2, 0);
    }
  });

  it('lets a transfer of low priority progress beside a hundred of high', () => {
    const limiter = new RateLimiter(10 * MB);
    const all = takers(limiter, 101, 50);
    for (const { share } of all.slice(1)) share.weight = weightOf('high');
    all[0]!.share.weight = weightOf('low');
    const [low] = run(all, 20_000);
    expect(sum(low!)).toBeGreaterThan((10 * MB * 20 * 0.7) / 401);
  });

  it('gives what one leaves to the others, at once', () => {
    const limiter = new RateLimiter(4 * MB);
    const [stays] = run(
      [
        { share: limiter.share(), everyMs: 10 },
        { share: limiter.share(), everyMs: 10, untilMs: 10_000 },
      ],
      20_000,
    );
    expect(sum(between(stays!, 0, 10_000)) / (2 * MB * 10)).toBeCloseTo(1, 1);
    expect(sum(between(stays!, 11_000, 20_000)) / (4 * MB * 9)).toBeCloseTo(1, 1);
  });

  it('keeps a transfer within its own limit, and gives the rest to the others', () => {
    const limiter = new RateLimiter(10 * MB);
    const all = takers(limiter, 3, 20);
    all[0]!.share.setLimit(MB, 0);
    const taken = run(all, 20_000);
    const rates = taken.map((its) => sum(between(its, 1000, 20_000)) / 19);
    expect(rates[0]! / MB).toBeCloseTo(1, 1);
    expect(rates[1]! / (4.5 * MB)).toBeCloseTo(1, 1);
    expect(rates[2]! / (4.5 * MB)).toBeCloseTo(1, 1);
  });

  it('keeps a transfer within its own limit when the agent has none', () => {
    const [taker] = takers(new RateLimiter(UNLIMITED), 1, 20);
    taker!.share.setLimit(250 * KB, 0);
    const taken = run([taker!], 25_000).flat();
    const { lowest, highest } = tenSecondRates(taken, { fromMs: 1000, toMs: 25_000 });
    expect(lowest).toBeGreaterThan(250 * KB * 0.95);
    expect(highest).toBeLessThan(250 * KB * 1.05);
  });

  it.each([
    [10 * MB, 500 * KB],
    [500 * KB, 10 * MB],
    [UNLIMITED, 2 * MB],
  ])('follows when %i bytes per second become %i midway', (before, after) => {
    const limiter = new RateLimiter(before);
    // Without a limit, a share takes as much as a fast link does.
    const quantum = before === UNLIMITED ? 10 * KB : undefined;
    const all = takers(limiter, 2, 20).map((taker) => ({ ...taker, ...(quantum && { quantum }) }));
    const change = { atMs: 5000, run: (nowMs: number) => limiter.setLimit(after, nowMs) };
    const taken = run(all, 20_000, [change]).flat();
    const { lowest, highest } = tenSecondRates(taken, { fromMs: 6000, toMs: 20_000 });
    expect(lowest).toBeGreaterThan(after * 0.95);
    expect(highest).toBeLessThan(after * 1.05);
  });

  it('lets everything through again when the limit is lifted, even if it was deeply overdrawn', () => {
    const limiter = new RateLimiter(KB);
    const share = limiter.share();
    expect(share.mayTake(0)).toBe(true);
    share.take(MB);
    expect(share.mayTake(1)).toBe(false);
    limiter.setLimit(UNLIMITED, 2);
    expect([share.mayTake(2), share.waitMs(2), share.ceiling, share.fairRate]).toEqual([true, 0, 0, 0]);
  });

  it.each([UNLIMITED, 50 * MB])(
    'counts the bytes in flight of each transfer when a limit replaces %i',
    (before) => {
      const limiter = new RateLimiter(before);
      const [one, other, done] = [limiter.share(), limiter.share(), limiter.share()];
      for (const share of [one, other, done]) {
        expect(share.mayTake(0)).toBe(true);
        share.take(300 * KB);
      }
      other.moved(200 * KB);
      done.moved(300 * KB);
      limiter.setLimit(300 * KB, 100);
      expect(done.mayTake(100)).toBe(true);
      expect([one.waitMs(100), other.waitMs(100), one.fairRate]).toEqual([3000, 1000, 100 * KB]);
      // Nothing remains of a transfer that has ended.
      other.giveBack(100 * KB);
      limiter.setLimit(200 * KB, 100);
      expect(other.waitMs(100)).toBe(0);
    },
  );

  it('reports how long to wait, and the rate of each share', () => {
    const limiter = new RateLimiter(100 * KB);
    const [one, other] = [limiter.share(), limiter.share()];
    for (const share of [one, other]) {
      expect(share.mayTake(0)).toBe(true);
      share.take(10 * KB);
    }
    expect([one.waitMs(0), one.fairRate, one.ceiling]).toEqual([200, 50 * KB, 100 * KB]);
    expect([one.mayTake(199), one.mayTake(200)]).toEqual([false, true]);
    one.setLimit(20 * KB, 200);
    expect([one.fairRate, one.ceiling]).toEqual([20 * KB, 20 * KB]);
  });

  it('takes back bytes that are not needed', () => {
    const limiter = new RateLimiter(100 * KB);
    const share = limiter.share();
    share.mayTake(0);
    share.take(50 * KB);
    share.giveBack(30 * KB);
    expect(share.waitMs(0)).toBe(200);
  });
});
