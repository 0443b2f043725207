import { jest } from '@jest/globals';
import { Turns } from '@enjambre/common/async/turns';

/**
 * How many rounds the event loop makes while `work` is under way, of which each step of work in turns takes one: so it
 * is seen without a clock that others have had theirs.
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
