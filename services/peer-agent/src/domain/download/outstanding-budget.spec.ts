import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { weightOf } from '../limits/priority.js';
import { RateLimiter } from '../limits/rate-limiter.js';
import { Bitfield } from '@enjambre/core/bitfield';
import { peerNamed } from '../../../test/support/ids.js';
import { seededRandom } from '../random.js';
import { DownloadEngine } from './download-engine.js';
import type { EngineLayout } from '../engine-layout.js';
import { OutstandingBudget } from './outstanding-budget.js';

describe('the bytes in flight of a process', () => {
  it('are shared by the downloads that have peers to ask', () => {
    const budget = new OutstandingBudget(1200);
    const [first, second, third] = [budget.share(), budget.share(), budget.share()];
    expect(first.limitBytes).toBe(1200);
    first.use(true, 0);
    second.use(true, 0);
    expect(first.limitBytes).toBe(600);
    third.use(true, 0);
    expect([first, second, third].map(({ limitBytes }) => limitBytes)).toEqual([400, 400, 400]);
    first.use(false, 0);
    first.use(false, 0);
    second.use(true, 0);
    expect(second.limitBytes).toBe(600);
  });

  it('are bounded while others still hold what they requested when they were fewer', () => {
    const budget = new OutstandingBudget(1200);
    const [first, second] = [budget.share(), budget.share()];
    first.use(true, 1000);
    second.use(true, 0);
    expect([first.limitBytes, second.limitBytes]).toEqual([600, 200]);
    first.use(true, 700);
    expect(second.limitBytes).toBe(500);
    first.use(false, 300); // Its peers have left, and it has yet to store what they sent.
    expect(second.limitBytes).toBe(900);
  });

  it('never exceed the budget, whichever downloads join, request, store, leave and change weight', () => {
    const step = fc.record({
      who: fc.nat(5),
      wanted: fc.boolean(),
      priority: fc.constantFrom('high', 'normal', 'low'),
      stores: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const budget = new OutstandingBudget(1000);
        const limiter = new RateLimiter();
        const shares = Array.from({ length: 6 }, () => {
          const rate = limiter.share();
          return { rate, share: budget.share(rate), bytes: 0 };
        });
        for (const { who, wanted, priority, stores } of steps) {
          const one = shares[who]!;
          one.rate.weight = weightOf(priority);
          one.bytes = Math.floor(one.bytes * stores);
          one.share.use(wanted, one.bytes);
          if (wanted) one.bytes = Math.max(one.bytes, Math.floor(one.share.limitBytes));
          one.share.use(wanted, one.bytes);
          expect(shares.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(1000);
        }
      }),
    );
  });

  it('are divided by weight', () => {
    const budget = new OutstandingBudget(1200);
    const limiter = new RateLimiter();
    const shares = (['high', 'normal', 'low'] as const).map((priority) => {
      const rate = limiter.share();
      rate.weight = weightOf(priority);
      return budget.share(rate);
    });
    const limits = (): number[] => shares.map(({ limitBytes }) => Math.round(limitBytes));
    expect(limits()).toEqual([1200, 1200, 1200]);
    for (const share of shares) share.use(true, 0);
    expect(limits()).toEqual([686, 343, 171]);
  });

  it('are requested as fast as the rate of the download allows, which is refunded what does not arrive', () => {
    const rate = new RateLimiter(1000).share();
    const share = new OutstandingBudget().share(rate);
    expect([share.isPaced, new OutstandingBudget().share().isPaced]).toEqual([true, false]);
    expect(share.mayAsk(0)).toBe(true);
    share.asked(500);
    expect([share.mayAsk(0), rate.waitMs(0)]).toEqual([false, 500]);
    share.returned(400);
    expect(rate.waitMs(0)).toBe(100);
  });

  it('are 32 MiB by default', () => {
    expect(new OutstandingBudget().share().limitBytes).toBe(32 * 1024 * 1024);
  });

  it('count at least 16 KiB for each block of a small file', () => {
    const layout: EngineLayout = {
      pieceCount: 5000,
      longestBlock: 1024,
      blockCount: () => 1,
      blockSize: () => 1024,
      combineBlocks: () => Buffer.alloc(32),
      pieceRoot: () => Buffer.alloc(32),
    };
    const engine = new DownloadEngine(
      { layout, have: Bitfield.empty(5000), random: seededRandom(1) },
      { initialWindowBytes: 32 << 20 },
    );
    const peer = peerNamed('p');
    const asked = engine.handle({ type: 'source-joined', source: peer, has: Bitfield.full(5000) }, 0);
    let waiting = 0;
    for (const effect of asked) {
      if (effect.type !== 'request') continue;
      waiting += 1;
      asked.push(
        ...engine.handle({ type: 'block-arrived', source: peer, id: effect.id, ref: effect.ref }, 0),
      );
    }
    // None was stored: this is all that the budget has room for.
    expect(waiting).toBe(2048);
    expect(engine.outstandingBytes).toBe(32 << 20);
  });
});
