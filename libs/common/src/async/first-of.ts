import { EnjambreError } from '@enjambre/core/error';

/**
 * Delay in milliseconds before the next candidate is tried while the earlier ones are still pending (RFC
 * 8305).
 */
export const ATTEMPT_DELAY_MS = 250;

/** Arguments of an attempt. */
export interface Attempt {
  /** Aborts when another attempt has won, or the caller has given up. */
  readonly signal: AbortSignal;
  /**
   * Call it when a part of an answer arrives: it postpones the next candidate by {@link ATTEMPT_DELAY_MS}.
   */
  readonly answers: () => void;
}

/**
 * Tries the candidates in turn, each as soon as the one before fails or has not answered within
 * {@link ATTEMPT_DELAY_MS}. Returns the result of the first attempt that succeeds, and aborts the others. If all
 * fail, throws the error of the first candidate. Throws `cancelled` CANCELLED if `signal` aborts.
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
  return new EnjambreError('cancelled', 'CANCELLED', 'the caller has given up', { cause: reason });
}
