import { describe, expect, test } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { interruptible } from './interrupt.js';

describe('Ctrl-C', () => {
  test('aborts the signal and is reported as an interruption', async () => {
    const work = interruptible(async (signal) => {
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve);
        process.emit('SIGINT');
      });
      throw new EnjambreError('cancelled', 'CANCELLED', 'the call was cancelled');
    });

    await expect(work).rejects.toMatchObject({ reason: 'INTERRUPTED', code: 'cancelled' });
    expect(process.listenerCount('SIGINT')).toBe(0);
  });

  test('does not change results before it, nor other errors', async () => {
    const error = new Error('x');

    await expect(interruptible(() => Promise.resolve(1))).resolves.toBe(1);
    await expect(interruptible(() => Promise.reject(error))).rejects.toBe(error);
  });
});
