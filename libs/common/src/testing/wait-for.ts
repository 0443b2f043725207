import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, for the error. */
  readonly what: string;
  /** @default 20000 */
  readonly timeoutMs?: number;
  /** @default 25 */
  readonly everyMs?: number;
  /** Ends the wait: its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** Asks until the answer is neither undefined nor false, and returns it. Throws when the time is up. */
export async function waitFor<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { what, timeoutMs = 20_000, everyMs = 25, signal }: WaitOptions,
): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > endMs) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await delay(everyMs);
  }
}
