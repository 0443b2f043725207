import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { percentages } from './percentages.js';

describe('percentages', () => {
  it('always add up to 100, each within a tenth of its exact value', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1e9), { minLength: 1, maxLength: 12 }), (parts) => {
        const whole = parts.reduce((sum, part) => sum + part, 0);
        const shares = percentages(parts);
        const tenths = shares.reduce((sum, share) => sum + Math.round(share * 10), 0);
        expect(tenths).toBe(whole === 0 ? 0 : 1000);
        shares.forEach((share, index) => {
          if (whole > 0) expect(Math.abs(share - (100 * parts[index]!) / whole)).toBeLessThanOrEqual(0.1001);
        });
      }),
    );
  });

  it('give the remainder to the parts that lost most by rounding', () => {
    expect(percentages([1, 1, 1])).toEqual([33.4, 33.3, 33.3]);
    expect(percentages([0, 5])).toEqual([0, 100]);
  });
});
