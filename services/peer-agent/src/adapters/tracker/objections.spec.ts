import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { infoHashFromBytes, type InfoHash } from '@enjambre/core/ids';
import { Objections } from './objections.js';

const bytes = (digit: number): Buffer => Buffer.alloc(32, digit);
const problem = (digit: number, reason: string) => ({
  sequence: 1n,
  infohash: bytes(digit),
  reason,
  message: 'full',
});

describe('a file for which the tracker has no room', () => {
  let retried: (readonly InfoHash[])[];
  let objections: Objections;

  beforeEach(() => {
    jest.useFakeTimers();
    retried = [];
    const log = createLogger({ name: 'agent', level: 'silent' });
    objections = new Objections({ log, retry: (infohashes) => retried.push(infohashes), retryMs: 1000 });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  test('is announced again after a while, once for all its problems, and less and less often', () => {
    for (const reason of ['TOO_MANY_SWARMS', 'TOO_MANY_WATCHES']) objections.add(problem(1, reason));
    objections.add(problem(2, 'TOO_MANY_SWARMS'));
    jest.advanceTimersByTime(999);
    expect(retried).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(retried).toEqual([[bytes(1), bytes(2)].map((hash) => infoHashFromBytes(hash))]);
    objections.add(problem(2, 'TOO_MANY_SWARMS'));
    jest.advanceTimersByTime(1999);
    expect(retried).toHaveLength(1);
    jest.advanceTimersByTime(1);
    expect(retried).toHaveLength(2);
  });

  test('is announced again with a thousand others at a time, so that new shares need not wait', () => {
    for (let number = 0; number < 2500; number += 1) {
      const infohash = Buffer.alloc(32);
      infohash.writeUInt32BE(number);
      objections.add({ ...problem(1, 'TOO_MANY_SWARMS'), infohash });
    }
    jest.advanceTimersByTime(1000 + 2000 + 4000 + 8000 + 8000);
    expect(retried.map(({ length }) => length)).toEqual([1000, 1000, 500]);
    expect(new Set(retried.flat()).size).toBe(2500);
  });

  test('is not announced again in another session, which announces everything', () => {
    objections.add(problem(1, 'TOO_MANY_SWARMS'));
    objections.clear();
    jest.advanceTimersByTime(100_000);
    expect(retried).toEqual([]);
  });

  test('other problems are not retried', () => {
    objections.add(problem(1, 'BAD_NAME'));
    jest.advanceTimersByTime(100_000);
    expect(retried).toEqual([]);
  });
});
