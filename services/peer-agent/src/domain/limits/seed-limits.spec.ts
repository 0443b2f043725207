import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SEED_FOREVER, seedingEnd, seedLimitsOf, withoutReached, type Seeded } from './seed-limits.js';

const seeded: Seeded = { doneBytes: 1000, uploadedBytes: 1999, seededMs: 59_999 };
const limits = { seedRatio: 2, seedTimeMs: 60_000 };

describe('a seeding transfer', () => {
  test('ends at neither limit before it is reached', () => {
    expect(seedingEnd(seeded, limits)).toBeUndefined();
    expect(seedingEnd({ ...seeded, uploadedBytes: 1e12, seededMs: 1e12 }, SEED_FOREVER)).toBeUndefined();
  });

  test('ends when it has sent the ratio of its size', () => {
    expect(seedingEnd({ ...seeded, uploadedBytes: 2030 }, limits)).toEqual({
      reason: 'SEED_RATIO_REACHED',
      message: 'seeding ended: it sent 2.03 × its size, and its limit is 2 ×',
    });
  });

  test('ends when it has seeded for the time', () => {
    expect(seedingEnd({ ...seeded, seededMs: 60_000 }, limits)).toEqual({
      reason: 'SEED_TIME_REACHED',
      message: 'seeding ended after 1m, its limit',
    });
  });

  test.each([{ seedRatio: 0 }, { seedTimeMs: 0 }])('is not seeded at all with %j', (zero) => {
    const nothing = { doneBytes: 1, uploadedBytes: 0, seededMs: 0 };
    expect(seedingEnd(nothing, { ...SEED_FOREVER, ...zero })?.message).toMatch(/^it is not seeded after/);
  });
});

describe('the limits in force', () => {
  const none = { seedRatio: undefined, seedTimeMs: undefined };

  test('of a download are the default of the agent, unless it has its own', () => {
    expect(seedLimitsOf({ ...none, origin: false }, limits)).toEqual(limits);
    expect(seedLimitsOf({ ...none, origin: false, seedRatio: Infinity }, limits)).toEqual({
      seedRatio: Infinity,
      seedTimeMs: 60_000,
    });
  });

  test('of a share are only its own', () => {
    expect(seedLimitsOf({ ...none, origin: true }, limits)).toEqual(SEED_FOREVER);
    expect(seedLimitsOf({ ...none, origin: true, seedRatio: 3 }, limits)).toMatchObject({ seedRatio: 3 });
  });
});

test('without the limits that are reached, it seeds on, and the others stay', () => {
  fc.assert(
    fc.property(
      fc.record({ doneBytes: fc.nat(), uploadedBytes: fc.nat(), seededMs: fc.nat() }),
      fc.record({ seedRatio: fc.double({ min: 0, noNaN: true }), seedTimeMs: fc.nat() }),
      (its, set) => {
        const change = withoutReached(its, set);
        expect(seedingEnd(its, { ...set, ...change })).toBeUndefined();
        expect(Object.keys(change).length > 0).toBe(seedingEnd(its, set) !== undefined);
      },
    ),
  );
});
