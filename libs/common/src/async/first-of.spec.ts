import { describe, expect, it, jest } from '@jest/globals';
import { ATTEMPT_DELAY_MS, firstOf, type Attempt } from './first-of.js';

const never = new AbortController().signal;

/** Attempts that the test ends. */
class Attempts {
  readonly begun: string[] = [];
  readonly how = new Map<string, Attempt>();
  readonly #ends = new Map<string, { resolve: (value: string) => void; reject: (error: Error) => void }>();

  readonly attempt = (name: string, how: Attempt): Promise<string> => {
    this.begun.push(name);
    this.how.set(name, how);
    return new Promise((resolve, reject) => this.#ends.set(name, { resolve, reject }));
  };

  succeed(name: string): void {
    this.#ends.get(name)?.resolve(name);
  }

  fail(name: string): Promise<void> {
    this.#ends.get(name)?.reject(new Error(name));
    return settled();
  }
}

/** Lets the consequences of an end run. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

describe('the first of several attempts', () => {
  it('has a head start before the next is tried', async () => {
    jest.useFakeTimers();
    try {
      const attempts = new Attempts();
      const result = firstOf(['a', 'b', 'c'], attempts.attempt, never);
      expect(attempts.begun).toEqual(['a']);
      jest.advanceTimersByTime(ATTEMPT_DELAY_MS - 1);
      expect(attempts.begun).toEqual(['a']);
      jest.advanceTimersByTime(1);
      expect(attempts.begun).toEqual(['a', 'b']);
      attempts.succeed('b');
      expect(await result).toBe('b');
      expect(attempts.how.get('a')?.signal.aborted).toBe(true);
      jest.advanceTimersByTime(10 * ATTEMPT_DELAY_MS);
      expect(attempts.begun).toEqual(['a', 'b']);
    } finally {
      jest.useRealTimers();
    }
  });

  it('that fails starts the next at once, and the first failure is thrown if all fail', async () => {
    const attempts = new Attempts();
    const result = firstOf(['a', 'b'], attempts.attempt, never);
    result.catch(() => undefined);
    await attempts.fail('a');
    expect(attempts.begun).toEqual(['a', 'b']);
    await attempts.fail('b');
    await expect(result).rejects.toThrow('a');
  });

  it('that answers is not raced while more arrives', async () => {
    jest.useFakeTimers();
    try {
      const attempts = new Attempts();
      const result = firstOf(['a', 'b'], attempts.attempt, never);
      for (let part = 0; part < 5; part++) {
        jest.advanceTimersByTime(ATTEMPT_DELAY_MS - 1);
        attempts.how.get('a')?.answers();
      }
      expect(attempts.begun).toEqual(['a']);
      jest.advanceTimersByTime(ATTEMPT_DELAY_MS);
      expect(attempts.begun).toEqual(['a', 'b']);
      attempts.succeed('b');
      expect(await result).toBe('b');
    } finally {
      jest.useRealTimers();
    }
  });

  it('is abandoned when the caller gives up', async () => {
    const attempts = new Attempts();
    const abort = new AbortController();
    const result = firstOf(['a', 'b'], attempts.attempt, abort.signal);
    abort.abort();
    await expect(result).rejects.toMatchObject({ code: 'cancelled' });
    expect(attempts.how.get('a')?.signal.aborted).toBe(true);
    await attempts.fail('a');
    expect(attempts.begun).toEqual(['a']);
  });
});
