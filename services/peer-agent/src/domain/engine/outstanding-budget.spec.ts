import { describe, expect, it } from '@jest/globals';
import { weightOf } from '../limits/priority.js';
import { RateLimiter } from '../limits/rate-limiter.js';
import { OutstandingBudget } from './outstanding-budget.js';

describe('the bytes in flight of a process', () => {
  it('are shared by the downloads that have peers to ask', () => {
    const budget = new OutstandingBudget(1200);
    const [first, second, third] = [budget.share(), budget.share(), budget.share()];
    expect(first.limitBytes).toBe(1200);
    first.use(true);
    second.use(true);
    expect(first.limitBytes).toBe(600);
    third.use(true);
    expect([first, second, third].map(({ limitBytes }) => limitBytes)).toEqual([400, 400, 400]);
    first.use(false);
    first.use(false);
    second.use(true);
    expect(second.limitBytes).toBe(600);
  });

  it('are divided by the weight of each', () => {
    const budget = new OutstandingBudget(1200);
    const limiter = new RateLimiter();
    const shares = (['high', 'normal', 'low'] as const).map((priority) => {
      const rate = limiter.share();
      rate.weight = weightOf(priority);
      return budget.share(rate);
    });
    const limits = (): number[] => shares.map(({ limitBytes }) => Math.round(limitBytes));
    expect(limits()).toEqual([1200, 1200, 1200]);
    for (const share of shares) share.use(true);
    expect(limits()).toEqual([686, 343, 171]);
  });
});
