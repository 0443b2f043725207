import { describe, expect, it } from '@jest/globals';
import { KeyedSerial } from './keyed-serial.js';

describe('KeyedSerial', () => {
  it('runs work with a common key one at a time, in order, and other work concurrently', async () => {
    const serial = new KeyedSerial<string>();
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const work = (name: string) => (): Promise<void> => {
      begun.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    };
    const first = serial.run(['a', 'b'], work('first'));
    const second = serial.run(['b', 'c'], work('second'));
    const third = serial.run(['c'], work('third'));
    const other = serial.run(['d'], work('other'));
    await new Promise(setImmediate);
    expect(begun).toEqual(['first', 'other']);
    ends.get('first')!();
    await first;
    await new Promise(setImmediate);
    expect(begun).toEqual(['first', 'other', 'second']);
    ends.get('second')!();
    await second;
    await new Promise(setImmediate);
    ends.get('third')!();
    ends.get('other')!();
    await Promise.all([third, other]);
  });

  it('continues after failed work', async () => {
    const serial = new KeyedSerial<string>();
    await expect(serial.run(['a'], () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await serial.run(['a'], () => Promise.resolve(1))).toBe(1);
  });
});
