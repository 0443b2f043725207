import { describe, expect, it } from '@jest/globals';
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

  it('are 32 MiB, unless it is told otherwise', () => {
    expect(new OutstandingBudget().share().limitBytes).toBe(32 * 1024 * 1024);
  });
});
