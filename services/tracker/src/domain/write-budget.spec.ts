import { describe, expect, test } from '@jest/globals';
import { WriteBudget } from './write-budget.js';

describe('what a party may write', () => {
  let now = 0;
  const budget = new WriteBudget({ burst: 3, perMs: 300, nowMs: () => now });
  const taken = (party: string, tries = 10): number =>
    Array.from({ length: tries }, () => budget.take(party)).filter((isTaken) => isTaken).length;

  test('is a number at once, and as many again in a time', () => {
    expect(taken('a')).toBe(3);
    now += 99;
    expect(taken('a')).toBe(0);
    now += 1;
    expect(taken('a')).toBe(1);
    now += 1_000_000;
    expect(taken('a')).toBe(3);
  });

  test('takes nothing from others, and has no limit for trackers that report no party', () => {
    expect(taken('b')).toBe(3);
    expect(taken('c')).toBe(3);
    expect(taken('')).toBe(10);
  });
});
