import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { quotaOf } from './address-quota.js';

describe('the quota of an address', () => {
  it('is its part of the limit, rounded up', () => {
    expect(quotaOf(10_000, 5, 4)).toBe(500);
    expect(quotaOf(101, 5, 1)).toBe(6);
    expect(quotaOf(7, 100, 4)).toBe(7);
  });

  it('is the floor where the part would be too small for one client', () => {
    expect(quotaOf(20, 5, 4)).toBe(4);
  });

  it('is never more than the limit, and lets a client in', () => {
    const limit = fc.integer({ min: 1, max: 2 ** 40 });
    const percent = fc.integer({ min: 1, max: 100 });
    fc.assert(
      fc.property(limit, percent, fc.integer({ min: 0, max: 1000 }), (all, part, floor) => {
        const quota = quotaOf(all, part, floor);
        expect(quota).toBeGreaterThanOrEqual(1);
        expect(quota).toBeLessThanOrEqual(all);
        expect(quotaOf(all, 100, floor)).toBe(all);
      }),
    );
  });
});
