import { jest } from '@jest/globals';
import { Turns } from '@enjambre/common/async/turns';

/**
 * Number of rounds that the event loop makes while `work` runs; each step of work in turns takes one. This shows
 * without a clock that other tasks had their turn.
 */
export async function roundsDuring(work: () => Promise<unknown>): Promise<number> {
  const isOver = jest.spyOn(Turns.prototype, 'isOver', 'get').mockReturnValue(true);
  let rounds = 0;
  let timer = setImmediate(function count() {
    rounds += 1;
    timer = setImmediate(count);
  });
  try {
    await work();
    return rounds;
  } finally {
    clearImmediate(timer);
    isOver.mockRestore();
  }
}
