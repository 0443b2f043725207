import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface WaitOptions {
  /** What is waited for, for the error. */
  readonly what: string;
  /** @default 20000 */
  readonly timeoutMs?: number;
  /** @default 25 */
  readonly everyMs?: number;
  /** Ends the wait: its reason is thrown. */
  readonly signal?: AbortSignal;
  /**
   * True if asking may fail before it succeeds, such as a call to a server that starts. The last
   * error is in the message of a wait that fails, and its cause. @default false: an error ends the wait
   */
  readonly retryErrors?: boolean;
  /** What there is to see instead, for the message of a wait that fails. */
  readonly seen?: () => unknown;
}

/**
 * Asks until the answer is neither undefined nor false, and returns it. Throws when the time is
 * up, also if an answer does not come, and says the last thing that was seen. Time in which this process did not run does not
 * count: what is waited for, in the same process, did not run either.
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
      // What was seen before says more than that the last answer was not awaited.
      if (error !== LATE || failure === undefined) failure = error;
    }
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs) throw inVain(`waited ${timeoutMs} ms in vain for ${what}`, failure, seen);
    endMs += await stallDuring(everyMs);
  }
}

/** Sleeps, and returns by how much longer than a busy machine makes of it that took: the process stood still. */
async function stallDuring(ms: number): Promise<number> {
  const sinceMs = performance.now();
  await delay(ms);
  const lateMs = performance.now() - sinceMs - ms;
  return lateMs > STALL_MS ? lateMs : 0;
}

/**
 * As {@link waitFor}, for a condition on something that reports each change itself.
 *
 * @param change resolves at the next one
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
      throw inVain(`waited ${timeoutMs} ms in vain for ${what}`, undefined, seen);
    }
  }
}

/** Shorter than a test may last, which would end without a word of what was there. */
const CHANGE_TIMEOUT_MS = 25_000;
const LATE = new Error('no answer came before the time was up');
/** A timer that is later than this says that the process stood still: it collected garbage, or had no processor. */
const STALL_MS = 1000;
/** However late it is, an answer that comes at once is taken. */
const LEAST_MS = 1000;

/** Throws {@link LATE} if there is no answer when the time is up. */
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

function inVain(message: string, failure: unknown, seen: (() => unknown) | undefined): Error {
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
