import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Backoff, doubled, jittered, retryWaitMs } from './backoff.js';

describe('doubled', () => {
  it('is the first wait, doubled up to the longest, however often', () => {
    expect([0, 1, 2, 3, 4].map((times) => doubled(100, times, 1000))).toEqual([100, 200, 400, 800, 1000]);
    expect(doubled(1, 10_000, 3_600_000)).toBe(3_600_000);
    expect(doubled(200, 0, 100)).toBe(100);
  });
});

describe('jittered', () => {
  it('is between half of the wait and all of it', () => {
    expect([0, 0.5, 1].map((random) => jittered(100, () => random))).toEqual([50, 75, 100]);
  });
});

describe('retryWaitMs', () => {
  it('is the time that the server asks for, give or take a fifth, but never less than the backoff', () => {
    expect([0, 0.5, 1].map((random) => retryWaitMs(100, 1000, () => random))).toEqual([800, 1000, 1200]);
    expect(retryWaitMs(2000, 1000, () => 1)).toBe(2000);
    expect(retryWaitMs(100, undefined, () => 1)).toBe(100);
  });

  it('is about a minute at most, whatever the server asks for', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (ms, lot) => {
          const waitMs = retryWaitMs(100, ms, () => lot);
          expect(waitMs).toBeGreaterThanOrEqual(100);
          expect(waitMs).toBeLessThanOrEqual(72_000);
        },
      ),
    );
  });
});

describe('Backoff', () => {
  it('doubles its waits up to the longest', () => {
    const backoff = new Backoff({ baseMs: 100, maxMs: 1000, random: () => 1 - Number.EPSILON });
    const waits = Array.from({ length: 6 }, () => Math.round(backoff.next()));
    expect(waits).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it('starts over after a success', () => {
    const backoff = new Backoff({ baseMs: 100, maxMs: 1000, random: () => 0 });
    for (let attempt = 0; attempt < 5; attempt++) backoff.next();
    backoff.reset();
    expect(backoff.next()).toBe(50);
  });

  it('waits at least half of each step, and never longer than the maximum', () => {
    const number = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.nat(10_000),
        fc.nat(2000),
        number,
        (baseMs, more, attempts, random) => {
          const maxMs = baseMs + more;
          const backoff = new Backoff({ baseMs, maxMs, random: () => random });
          for (let attempt = 0; attempt < attempts; attempt++) backoff.next();
          const ceiling = Math.min(maxMs, baseMs * 2 ** attempts);
          const wait = backoff.next();
          expect(wait).toBeGreaterThanOrEqual(ceiling / 2);
          expect(wait).toBeLessThanOrEqual(ceiling);
        },
      ),
    );
  });
});
