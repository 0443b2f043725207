import { describe, expect, it } from '@jest/globals';
import { BLOCK_SIZE } from '@enjambre/core/layout';
import { ByteBucket, lowerLimit, UNLIMITED } from './byte-bucket.js';

describe('ByteBucket', () => {
  it('allows any amount at once, and then nothing until it has refilled', () => {
    const bucket = new ByteBucket(1000);
    expect(bucket.mayTake(0)).toBe(true);
    bucket.take(500);
    expect([bucket.mayTake(499), bucket.waitMs(499), bucket.mayTake(500)]).toEqual([false, 1, true]);
  });

  it('saves up no more than a fifth of a second', () => {
    const bucket = new ByteBucket(1000);
    expect(bucket.mayTake(60_000)).toBe(true);
    bucket.take(300);
    expect(bucket.waitMs(60_000)).toBe(100);
  });

  it('stays overdrawn when its limit changes, and refills at the new rate', () => {
    const bucket = new ByteBucket(1000);
    bucket.mayTake(0);
    bucket.take(1100);
    bucket.moved(1100);
    bucket.setLimit(10_000, 100);
    expect(bucket.waitMs(100)).toBe(100);
    bucket.setLimit(UNLIMITED, 100);
    expect(bucket.mayTake(100)).toBe(true);
    bucket.setLimit(10, 200);
    expect(bucket.mayTake(200)).toBe(true);
  });

  it('takes returned bytes back', () => {
    const bucket = new ByteBucket(1000);
    bucket.mayTake(0);
    bucket.take(900);
    bucket.giveBack(400);
    expect(bucket.waitMs(0)).toBe(500);
    bucket.giveBack(1e9);
    bucket.take(201);
    expect(bucket.waitMs(0)).toBe(1);
  });

  it('ignores bytes that moved while there was no limit', () => {
    const bucket = new ByteBucket(UNLIMITED);
    bucket.take(1e9);
    bucket.moved(1e9);
    bucket.setLimit(1000, 5);
    expect([bucket.mayTake(5), bucket.waitMs(5)]).toEqual([true, 0]);
  });

  it('counts bytes in flight when its limit is set or lowered, once, and not when it is raised', () => {
    const bucket = new ByteBucket(UNLIMITED);
    bucket.take(700);
    bucket.moved(100);
    bucket.setLimit(1000, 0);
    expect([bucket.underWay, bucket.waitMs(0)]).toEqual([600, 600]);
    bucket.giveBack(100);
    bucket.setLimit(2000, 0);
    expect(bucket.waitMs(0)).toBe(250);
    bucket.setLimit(500, 0);
    expect(bucket.waitMs(0)).toBe(1000);
  });

  it('charges for bytes that exceeded a new limit at most what the limit lets through in ten seconds', () => {
    const bucket = new ByteBucket(UNLIMITED);
    const bytes = 100_000_000;
    bucket.take(bytes);
    bucket.setLimit(1_000_000, 0);
    expect(bucket.waitMs(0)).toBe(100_000);
    bucket.moved(bytes);
    expect(bucket.waitMs(0)).toBe(10_000 + BLOCK_SIZE / 1000);
  });

  it('tolerates a clock that stands still', () => {
    const bucket = new ByteBucket(1000);
    bucket.mayTake(1000);
    bucket.take(1000);
    expect([bucket.mayTake(1000), bucket.mayTake(900), bucket.mayTake(1000)]).toEqual([false, false, false]);
  });
});

it.each([
  [UNLIMITED, UNLIMITED, UNLIMITED],
  [UNLIMITED, 5, 5],
  [7, UNLIMITED, 7],
  [7, 5, 5],
])('of the limits %i and %i, %i applies', (one, other, felt) => {
  expect(lowerLimit(one, other)).toBe(felt);
});
