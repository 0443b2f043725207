import { describe, expect, it } from '@jest/globals';
import { setImmediate as turn } from 'node:timers/promises';
import { forEachLimited } from './for-each-limited.js';

/** Records the numbers taken. */
function* numbers(count: number, taken: number[]): Iterable<number> {
  for (let number = 0; number < count; number++) {
    taken.push(number);
    yield number;
  }
}

describe('forEachLimited', () => {
  it('works on each item, at most the limit at a time, and takes no item early', async () => {
    const taken: number[] = [];
    const done: number[] = [];
    let most = 0;
    await forEachLimited(numbers(20, taken), 3, async (number) => {
      most = Math.max(most, taken.length - done.length);
      await turn();
      done.push(number);
    });
    expect(done.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, number) => number));
    expect(most).toBe(3);
  });

  it('does nothing for none', async () => {
    await expect(forEachLimited([], 3, () => Promise.reject(new Error('none')))).resolves.toBeUndefined();
  });

  it('starts no further item after a failure', async () => {
    const begun: number[] = [];
    const work = async (number: number): Promise<void> => {
      begun.push(number);
      await turn();
      if (number === 1) throw new Error('second');
    };
    await expect(forEachLimited(numbers(100, []), 2, work)).rejects.toThrow('second');
    await turn();
    await turn();
    expect(begun.length).toBeLessThanOrEqual(3);
  });
});
