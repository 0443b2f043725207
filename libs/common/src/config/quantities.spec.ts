import { describe, expect, it } from '@jest/globals';
import { bytesSchema, durationSchema, rateSchema } from './quantities.js';

describe('a quantity', () => {
  it.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['10m', 600_000],
    ['1.5h', 5_400_000],
    ['7d', 604_800_000],
  ])('of time is read: %s', (text, ms) => {
    expect(durationSchema.parse(text)).toBe(ms);
  });

  it.each([
    ['1000', 1000],
    ['256MiB', 268_435_456],
    ['10 GB', 10_000_000_000],
    ['1.5kb', 1500],
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

  it.each(['', '10', '-1s', '0s', '1e3s', '1 hour', `${'9'.repeat(20)}d`])(
    'of time is refused: %j',
    (text) => {
      expect(durationSchema.safeParse(text).error?.issues[0]?.message).toContain('write 90s, 10m, 24h or 7d');
    },
  );

  it.each(['', '-1', '0', '0.2', '1e3', '10 apples', '9'.repeat(20)])('of data is refused: %j', (text) => {
    expect(bytesSchema.safeParse(text).error?.issues[0]?.message).toContain('write 256MiB or 10GB');
  });
});
