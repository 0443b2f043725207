import { describe, expect, it } from '@jest/globals';
import { createLogger } from '../log/logger.js';
import { Lifecycle, type Startable } from './lifecycle.js';

const log = createLogger({ name: 'test', level: 'silent' });

/** Parts that record their calls; those named in `failing` throw. */
function assembled(
  names: readonly string[],
  failing: readonly string[] = [],
): { lifecycle: Lifecycle; trace: string[] } {
  const trace: string[] = [];
  const lifecycle = new Lifecycle(log);
  const act = async (what: string): Promise<void> => {
    await Promise.resolve();
    trace.push(what);
    if (failing.includes(what)) throw new Error(`cannot ${what}`);
  };
  for (const name of names) {
    const part: Startable = { start: () => act(`start ${name}`), stop: () => act(`stop ${name}`) };
    expect(lifecycle.add(name, part)).toBe(part);
  }
  return { lifecycle, trace };
}

describe('Lifecycle', () => {
  it('starts parts in order, one after the other, and stops them in reverse', async () => {
    const { lifecycle, trace } = assembled(['a', 'b', 'c']);
    await lifecycle.start();
    await lifecycle.stop();
    expect(trace).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
  });

  it('stops what was started, the failed part included, when one fails to start, and rethrows its error', async () => {
    const { lifecycle, trace } = assembled(['a', 'b', 'c'], ['start b']);
    await expect(lifecycle.start()).rejects.toThrow('cannot start b');
    expect(trace).toEqual(['start a', 'start b', 'stop b', 'stop a']);
  });

  it('stops the others when one does not stop cleanly', async () => {
    const { lifecycle, trace } = assembled(['a', 'b', 'c'], ['stop b']);
    await lifecycle.start();
    await lifecycle.stop();
    expect(trace.slice(3)).toEqual(['stop c', 'stop b', 'stop a']);
  });

  it('throws the first error when stopping fails after a failed start, too', async () => {
    const { lifecycle } = assembled(['a', 'b'], ['start b', 'stop b', 'stop a']);
    await expect(lifecycle.start()).rejects.toThrow('cannot start b');
  });

  it('stops once, however often it is called, and every caller waits', async () => {
    const { lifecycle, trace } = assembled(['a']);
    await lifecycle.start();
    await Promise.all([lifecycle.stop(), lifecycle.stop()]);
    await lifecycle.stop();
    expect(trace).toEqual(['start a', 'stop a']);
  });

  it('can be started again', async () => {
    const { lifecycle, trace } = assembled(['a']);
    for (let round = 0; round < 2; round++) {
      await lifecycle.start();
      await lifecycle.stop();
    }
    expect(trace).toEqual(['start a', 'stop a', 'start a', 'stop a']);
  });

  it('does nothing when stopped before its start', async () => {
    const { lifecycle, trace } = assembled(['a']);
    await lifecycle.stop();
    expect(trace).toEqual([]);
  });
});
