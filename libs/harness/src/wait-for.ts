import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface WaitOptions {
  /** Name of the condition, for the error. */
  readonly what: string;
  /** @default 20000 */
  readonly timeoutMs?: number;
  /** @default 25 */
  readonly everyMs?: number;
  /** Aborts the wait: its reason is thrown. */
  readonly signal?: AbortSignal;
  /**
   * True if an attempt may fail before one succeeds, such as a call to a starting server. A failed wait then
   * has the last error in its message and as its cause. @default false: an error ends the wait
   */
  readonly retryErrors?: boolean;
  /** The current state, for the message of a failed wait. */
  readonly seen?: () => unknown;
}

/**
 * Calls `ask` until the answer is neither undefined nor false, and returns it. Throws at the timeout, even if
 * an answer is pending, with the last state. Time in which this process was stalled does not count: the
 * awaited work, in the same process, was stalled as well.
 */
export async function waitFor<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  { what, timeoutMs = 20_000, everyMs = 25, signal, retryErrors = false, seen }: WaitOptions,
): Promise<T> {
  let endMs = performance.now() + timeoutMs;
  let failure: unknown;
  for (;;) {
    signal?.throwIfAborted();
    let answer: T | undefined | false;
    try {
      answer = await inTime(ask(), endMs);
      failure = undefined;
    } catch (error) {
      if (!retryErrors && error !== LATE) throw error;
      // An earlier failure is more informative than a missing last answer.
      if (error !== LATE || failure === undefined) failure = error;
    }
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs)
      throw timeoutError(`timed out after ${timeoutMs} ms waiting for ${what}`, failure, seen);
    endMs += await stallDuring(everyMs);
  }
}

/**
 * Sleeps, and returns the excess over the usual delay of a busy machine: the time that the process was
 * stalled.
 */
async function stallDuring(ms: number): Promise<number> {
  const sinceMs = performance.now();
  await delay(ms);
  const lateMs = performance.now() - sinceMs - ms;
  return lateMs > STALL_MS ? lateMs : 0;
}

/**
 * Like {@link waitFor}, for a condition whose object reports each change.
 *
 * @param change resolves at the next change
 */
export async function waitForChange<T>(
  condition: () => T | undefined,
  change: () => Promise<void>,
  { what, timeoutMs = CHANGE_TIMEOUT_MS, seen }: Pick<WaitOptions, 'what' | 'timeoutMs' | 'seen'>,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const result = condition();
    if (result !== undefined) return result;
    try {
      await inTime(change(), endMs);
    } catch (error) {
      if (error !== LATE) throw error;
      throw timeoutError(`timed out after ${timeoutMs} ms waiting for ${what}`, undefined, seen);
    }
  }
}

/** Shorter than a test's timeout, which would end the test without the last state. */
const CHANGE_TIMEOUT_MS = 25_000;
const LATE = new Error('no answer arrived before the timeout');
/**
 * A timer that is later than this means that the process was stalled: by garbage collection, or without a
 * processor.
 */
const STALL_MS = 1000;
/** An answer within this time is accepted, however late the call is. */
const LEAST_MS = 1000;

/** Throws {@link LATE} if there is no answer by `endMs`. */
async function inTime<T>(answer: Promise<T> | T, endMs: number): Promise<T> {
  if (!(answer instanceof Object && 'then' in answer)) return answer;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(LATE), Math.max(LEAST_MS, endMs - performance.now()));
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

function timeoutError(message: string, failure: unknown, seen: (() => unknown) | undefined): Error {
  const facts = [
    ...(failure === undefined
      ? []
      : [`the last error: ${failure instanceof Error ? failure.message : inspect(failure)}`]),
    ...(seen ? [`last seen: ${textOf(seen())}`] : []),
  ];
  return new Error([message, ...facts].join('; '), { cause: failure });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 4 });
}
