import { describe, expect, it } from '@jest/globals';
import { setImmediate as nextImmediate } from 'node:timers/promises';
import type { Steps } from '@enjambre/core/steps';
import { Turns, turns } from './turns.js';

const BUDGET_MS = 10;

/** A clock that only work advances, and a loop with counted rounds. */
function setUp(): {
  turns: Turns;
  work: (name: string, steps: number) => Steps<string>;
  seen: string[];
} {
  let nowMs = 1000;
  const seen: string[] = [];
  const nextRound = async (): Promise<void> => {
    await nextImmediate();
    seen.push('|');
  };
  function* work(name: string, steps: number): Steps<string> {
    for (let step = 0; step < steps; step++) {
      seen.push(name);
      nowMs += 5;
      yield;
    }
    return `${name} is done`;
  }
  return { turns: new Turns({ budgetMs: BUDGET_MS, now: () => nowMs, nextRound }), work, seen };
}

describe('Turns', () => {
  it('works until the budget of a round is used up, then continues in the next round', async () => {
    const { turns, work, seen } = setUp();
    await expect(turns.run(work('a', 5))).resolves.toBe('a is done');
    // The time that the round spent before the first step is unknown.
    expect(seen.join('')).toBe('a|aa|aa|');
  });

  it('gives each round to one of several workers, in order', async () => {
    const { turns, work, seen } = setUp();
    await Promise.all([turns.run(work('a', 4)), turns.run(work('b', 4))]);
    expect(seen.join('')).toBe('ab|aa|bb|a|b');
  });

  it('does not wait for work of a few steps beside others', async () => {
    const { turns, work, seen } = setUp();
    await turns.next();
    await turns.run(work('a', 1));
    expect(seen.join('')).toBe('|a');
  });

  it('throws what the work throws, and keeps working', async () => {
    const { turns, work } = setUp();
    function* failing(): Steps<never> {
      yield;
      throw new Error('bad');
    }
    await expect(turns.run(failing())).rejects.toThrow('bad');
    await expect(turns.run(work('a', 1))).resolves.toBe('a is done');
  });

  it('lets timers and sockets run in between by default', async () => {
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 1);
    function* endless(): Steps<void> {
      while (ticks < 3) yield;
    }
    await turns.run(endless());
    clearInterval(timer);
    expect(ticks).toBeGreaterThanOrEqual(3);
  });
});
