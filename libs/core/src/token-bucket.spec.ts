import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TokenBucket } from './token-bucket.js';

describe('TokenBucket', () => {
  it('gives its burst at once, then returns the time until the next token', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 0);
    expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([0, 0, 100]);
    expect(bucket.take(99)).toBe(1);
    expect(bucket.take(100)).toBe(0);
  });

  it('gives several tokens at a time, and its burst for more than that', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 0);
    expect(bucket.take(0, 3)).toBe(0);
    expect(bucket.take(0, 3)).toBe(100);
    expect(bucket.take(100, 3)).toBe(0);
    expect(bucket.take(100, 1000)).toBe(500);
    expect(bucket.take(600, 1000)).toBe(0);
  });

  it('is full after a long enough pause', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 0);
    bucket.take(0);
    expect(bucket.isFull(99)).toBe(false);
    expect(bucket.isFull(100)).toBe(true);
  });

  it('never gives more than its burst plus the refill, and gives a token after the returned time', () => {
    const options = fc.record({
      perSecond: fc.integer({ min: 1, max: 1000 }),
      burst: fc.integer({ min: 1, max: 100 }),
    });
    fc.assert(
      fc.property(options, fc.array(fc.nat(300), { maxLength: 200 }), ({ perSecond, burst }, pauses) => {
        const bucket = new TokenBucket({ perSecond, burst }, 0);
        let now = 0;
        let taken = 0;
        for (const pause of pauses) {
          now += pause;
          const wait = bucket.take(now);
          if (wait === 0) taken += 1;
          else {
            now += wait;
            expect(bucket.take(now)).toBe(0);
            taken += 1;
          }
          expect(taken).toBeLessThanOrEqual(burst + (now * perSecond) / 1000 + 1e-6);
        }
      }),
    );
  });

  it('neither adds nor removes tokens when the clock is set back', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 1 }, 10_000);
    bucket.take(10_000);
    expect(bucket.take(0)).toBe(1000);
    expect(bucket.take(1000)).toBe(0);
  });
});
