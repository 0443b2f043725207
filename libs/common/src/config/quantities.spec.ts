import { describe, expect, it } from '@jest/globals';
import { formatDuration } from '@enjambre/core/format-duration';
import fc from 'fast-check';
import { bytesSchema, durationSchema, rateSchema } from './quantities.js';

describe('a quantity', () => {
  it.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['10m', 600_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1d2h3m4s5ms', 93_784_005],
    ['10', 10_000],
    ['0.2', 200],
  ])('of time is read: %s', (text, ms) => {
    expect(durationSchema.parse(text)).toBe(ms);
  });

  it.each([
    ['1000', 1000],
    ['256MiB', 268_435_456],
    ['10 GB', 10_000_000_000],
    ['1.5kb', 1500],
    ['500k', 500_000],
    ['2Gi', 2 ** 31],
  ])('of data is read: %s', (text, bytes) => {
    expect(bytesSchema.parse(text)).toBe(bytes);
  });

  it.each([
    ['10MB', 10_000_000],
    ['500k', 500_000],
    ['500 KB', 500_000],
    ['1.5MiB', 1_572_864],
    ['2m', 2_000_000],
    ['1gi', 2 ** 30],
    ['10MB/s', 10_000_000],
    ['125000', 125_000],
    ['1.25kB', 1250],
    ['0', 0],
    ['0MB', 0],
    ['none', 0],
  ])('of bytes a second is read: %s', (text, rate) => {
    expect(rateSchema.parse(text)).toBe(rate);
  });

  it.each(['', '-1', '10Mb', '10Mbit', '10mbps', 'fast', '1e6', '10 apples', 'MB', '10MBs', '1,5MB'])(
    'of bytes per second is refused: %j',
    (text) => {
      expect(rateSchema.safeParse(text).error?.issues[0]?.message).toContain('write 10MB, 500k or 1.5MiB');
    },
  );

  it.each(['10', '0.4kB', '999', '2TB', '9'.repeat(400)])(
    'of bytes per second is out of range: %s',
    (text) => {
      expect(rateSchema.safeParse(text).error?.issues[0]?.message).toContain(
        'choose from 1kB to 1TB, or none',
      );
    },
  );

  it.each([
    '',
    '-1s',
    '0s',
    '0',
    '1e3s',
    '1 hour',
    '30m1h',
    '1m1m',
    '1h30',
    '1..5s',
    '.s',
    `${'9'.repeat(20)}d`,
  ])('of time is refused: %j', (text) => {
    expect(durationSchema.safeParse(text).error?.issues[0]?.message).toContain('write 90s, 10m, 1h30m or 7d');
  });

  it.each(['', '-1', '0', '0.2', '1e3', '10 apples', '9'.repeat(20)])('of data is refused: %j', (text) => {
    expect(bytesSchema.safeParse(text).error?.issues[0]?.message).toContain('write 256MiB or 10GB');
  });

  it('of time is printed in the form that is read', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e11 }), (ms) => {
        const text = formatDuration(ms);
        // Rounded to the smaller of two units.
        const precision = ms < 1000 ? 0 : ms < 60_000 ? 500 : Math.max(500, ms / 24);
        expect(Math.abs(durationSchema.parse(text) - ms)).toBeLessThanOrEqual(precision);
        expect(formatDuration(durationSchema.parse(text))).toBe(text);
      }),
    );
  });
});
