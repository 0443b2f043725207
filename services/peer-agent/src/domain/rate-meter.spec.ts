import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RateMeter } from './rate-meter.js';

describe('RateMeter', () => {
  it('is 0 before anything arrives', () => {
    expect(new RateMeter().rate(123_456)).toBe(0);
  });

  it('divides by its age while it is young, and by no less than 100 ms', () => {
    const meter = new RateMeter();
    meter.add(5000, 1_000_000);
    expect(meter.rate(1_000_000)).toBe(50_000);
    expect(meter.rate(1_000_050)).toBe(50_000);
    expect(meter.rate(1_000_500)).toBe(10_000);
  });

  it('measures a steady stream within 5 %, whenever it is read', () => {
    const meter = new RateMeter();
    for (let ms = 7; ms < 5007; ms += 10) {
      meter.add(1000, ms);
      if (ms < 2500) continue;
      expect(meter.rate(ms)).toBeGreaterThanOrEqual(95_000);
      expect(meter.rate(ms)).toBeLessThanOrEqual(100_500);
    }
  });

  it('forgets what is older than two seconds, and nothing younger than 1.9', () => {
    const meter = new RateMeter();
    meter.add(2000, 500_000);
    expect(meter.rate(501_899)).toBeGreaterThan(0);
    expect(meter.rate(502_000)).toBe(0);
  });

  it('starts from nothing after a long silence', () => {
    const meter = new RateMeter();
    for (let ms = 0; ms < 2000; ms += 100) meter.add(1000, ms);
    meter.add(400, 3_600_000);
    expect(meter.rate(3_600_000)).toBe(200);
  });

  it('never loses or invents a byte of the last two seconds', () => {
    const step = fc.record({ afterMs: fc.nat(700), bytes: fc.nat(1 << 20) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 60 }), fc.nat(10_000_000), (steps, startMs) => {
        const meter = new RateMeter();
        const added: { ms: number; bytes: number }[] = [];
        let now = startMs;
        for (const { afterMs, bytes } of steps) {
          now += afterMs;
          meter.add(bytes, now);
          added.push({ ms: now, bytes });
          const oldest = (Math.floor(now / 100) - 19) * 100;
          const sum = added.filter(({ ms }) => ms >= oldest).reduce((total, one) => total + one.bytes, 0);
          const age = Math.min(2000, Math.max(100, now - added[0]!.ms));
          expect(meter.rate(now)).toBeCloseTo((sum * 1000) / age, 3);
        }
      }),
    );
  });
});
