import { setImmediate as nextRound } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { Rounds } from './rounds.js';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';

describe('Rounds', () => {
  /** Runs a number of steps of 1 ms each over several rounds; counts the steps of each round. */
  function worker(steps: number): { done: () => number; rounds: number[]; begin: () => void } {
    let [nowMs, left] = [0, steps];
    const counts: number[] = [];
    const work = (): void => {
      let count = 0;
      for (; left > 0 && !rounds.isOver; left -= 1) {
        count += 1;
        nowMs += 1;
      }
      if (count > 0) counts.push(count);
    };
    const rounds = new Rounds({ ...SYSTEM_CLOCK, nowMs: () => nowMs }, work);
    return { done: () => steps - left, rounds: counts, begin: work };
  }

  it('starts work at once and continues it in the next rounds', async () => {
    const { done, rounds, begin } = worker(25);
    begin();
    expect(done()).toBe(10);
    begin();
    expect(done()).toBe(10);
    while (done() < 25) await nextRound();
    expect(rounds).toEqual([10, 10, 5]);
  });

  it('does not call back if the work ended within its round', async () => {
    let calls = 0;
    const rounds = new Rounds(SYSTEM_CLOCK, () => (calls += 1));
    expect(rounds.isOver).toBe(false);
    await nextRound();
    await nextRound();
    expect(calls).toBe(0);
  });
});
