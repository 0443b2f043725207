import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Settings } from './settings.js';

const MIB = { default: 7, most: 1000 };
const read = (text: string | undefined, range: { default: number; least?: number; most: number } = MIB) =>
  new Settings({ BENCH_MIB: text }).wholeNumber('BENCH_MIB', range);
const message = (what: () => unknown): string => {
  try {
    what();
  } catch (error) {
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_SETTING' });
    return (error as Error).message;
  }
  return '';
};

describe('a setting', () => {
  it('is the default if its variable is absent or empty', () => {
    expect([read(undefined), read('')]).toEqual([7, 7]);
    const none = new Settings({ A: '' });
    expect(none.wholeNumbers('A', { default: [1, 2], most: 5 })).toEqual([1, 2]);
    expect(none.choice('A', ['x'], undefined)).toBeUndefined();
    expect(none.choices('A', ['x', 'y'], ['y'])).toEqual(['y']);
    expect(none.numbersByName('A', ['x'])).toEqual({});
  });

  it('is a whole number within its bounds', () => {
    expect([read('1'), read('1000'), read('0', { ...MIB, least: 0 })]).toEqual([1, 1000, 0]);
  });

  it.each([
    'abc',
    '-1',
    '0',
    '1001',
    '1.5',
    '1e3',
    ' 5',
    '05',
    '0x10',
    '９',
    '99999999999999999999',
    '1 000',
  ])('that is a whole number is not %j', (text) => {
    expect(message(() => read(text))).toBe(
      `BENCH_MIB must be a whole number from 1 to 1000, but is ${JSON.stringify(text)}`,
    );
  });

  it('is parsed as written, or refused in one line, for any text', () => {
    const text = fc.oneof(fc.integer().map(String), fc.string({ minLength: 1 }), fc.double().map(String));
    fc.assert(
      fc.property(text, (written) => {
        const fault = message(() => expect(String(read(written))).toBe(written));
        expect(fault).not.toContain('\n');
        if (fault === '') expect(read(written)).toBeLessThanOrEqual(1000);
      }),
    );
  });

  it('may be several numbers, each once', () => {
    const several = (text: string) => new Settings({ A: text }).wholeNumbers('A', { default: [], most: 16 });
    expect([several('8'), several('8, 16,8')]).toEqual([[8], [8, 16]]);
    for (const bad of ['8,', ',', '8;16', '8,17', '8,x'])
      expect(message(() => several(bad))).toBe(
        `A must be a whole number from 1 to 16, or several separated by commas, but is "${bad}"`,
      );
  });

  it('may be one or more of some words', () => {
    const settings = (text: string) => new Settings({ A: text });
    expect(settings('disk').choice('A', ['disk', 'memory'], undefined)).toBe('disk');
    expect(settings('memory, disk,memory').choices('A', ['disk', 'memory'], [])).toEqual(['memory', 'disk']);
    expect(message(() => settings('disk,memory').choice('A', ['disk', 'memory'], undefined))).toBe(
      'A must be one of disk, memory, but is "disk,memory"',
    );
    expect(message(() => settings('disk,tape').choices('A', ['disk', 'memory'], []))).toBe(
      'A must be one or more of disk, memory, separated by commas, but is "disk,tape"',
    );
  });

  it('may give a number to each of several names', () => {
    const settings = (text: string) => new Settings({ A: text }).numbersByName('A', ['snubMs', 'ratio']);
    expect(settings('snubMs=2000, ratio=1.5')).toEqual({ snubMs: 2000, ratio: 1.5 });
    for (const bad of ['snubMs', 'snubMs=', 'snubMs=0', 'snubMs=-1', 'other=1', 'ratio=1,', 'ratio=1e9', '='])
      expect(message(() => settings(bad))).toBe(
        `A must be NAME=NUMBER above 0, or several separated by commas; NAME is one of snubMs, ratio, but is "${bad}"`,
      );
  });
});
