import { EnjambreError } from '@enjambre/core/error';

/** Delay in milliseconds after which others are tried, though those before have not failed yet (RFC 8305). */
export const ATTEMPT_DELAY_MS = 250;

/** What an attempt is given. */
export interface Attempt {
  /** Aborts when another attempt has won, or nobody waits any more. */
  readonly signal: AbortSignal;
  /** To be called when a part of an answer comes: others are tried only when no more does for as long again. */
  readonly answers: () => void;
}

/**
 * Tries the candidates in turn, the next as soon as one fails or has not answered within {@link ATTEMPT_DELAY_MS}.
 * Returns what the first attempt that succeeds returns, and aborts the others. Throws what the first candidate's threw
 * if all fail, and `cancelled` CANCELLED if `signal` aborts.
 *
 * @param candidates at least one
 */
export async function firstOf<Candidate, Result>(
  candidates: readonly Candidate[],
  attempt: (candidate: Candidate, how: Attempt) => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  if (signal.aborted) throw cancelled(signal);
  const losers = new AbortController();
  const over = AbortSignal.any([signal, losers.signal]);
  const failures: unknown[] = [];
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Result>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(cancelled(signal)), { signal: losers.signal });
      let next = 0;
      const wait = (): void => {
        clearTimeout(timer);
        if (next < candidates.length && !over.aborted) timer = setTimeout(tryNext, ATTEMPT_DELAY_MS);
      };
      const tryNext = (): void => {
        const at = next++;
        const candidate = candidates[at];
        if (candidate === undefined || over.aborted) return;
        wait();
        attempt(candidate, { signal: over, answers: wait }).then(resolve, (error: unknown) => {
          failures[at] = error;
          if (Object.keys(failures).length === candidates.length) reject(EnjambreError.from(failures[0]));
          else tryNext();
        });
      };
      tryNext();
    });
  } finally {
    clearTimeout(timer);
    losers.abort();
  }
}

function cancelled({ reason }: AbortSignal): EnjambreError {
  return new EnjambreError('cancelled', 'CANCELLED', 'nobody waits for it any more', { cause: reason });
}
