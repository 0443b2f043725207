/** A millisecond doubled this often is twelve days. */
const MAX_DOUBLINGS = 30;

export interface BackoffOptions {
  /** First wait in milliseconds. @default 200 */
  readonly baseMs?: number;
  /** Longest wait in milliseconds. @default 5000 */
  readonly maxMs?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** `baseMs` doubled `times` times, at most `maxMs`. */
export function doubled(baseMs: number, times: number, maxMs: number): number {
  return Math.min(maxMs, baseMs * 2 ** Math.min(times, MAX_DOUBLINGS));
}

/** Uniform in [½, 1] of `ms`. @param random uniform in [0, 1) */
export function jittered(ms: number, random: () => number): number {
  return ms * (0.5 + random() / 2);
}

/** Longest wait that a server may ask for: it may be wrong, or hostile. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * The wait before the next attempt in milliseconds: `backoffMs`, or the time that the server asked for if that is
 * longer. That time is uniform in [0.8, 1.2] of `retryAfterMs`, at most a minute of it: the clients refused together do
 * not come back together.
 *
 * @param random uniform in [0, 1)
 */
export function retryWaitMs(
  backoffMs: number,
  retryAfterMs: number | undefined,
  random: () => number,
): number {
  if (retryAfterMs === undefined) return backoffMs;
  return Math.max(backoffMs, (Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) * (4 + 2 * random())) / 5);
}

/** Exponential backoff with jitter: each wait is between half and all of base × 2ⁿ, at most `maxMs`. */
export class Backoff {
  #attempts = 0;
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;

  constructor({ baseMs = 200, maxMs = 5000, random }: BackoffOptions) {
    this.#baseMs = baseMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Milliseconds to wait before the next attempt. */
  next(): number {
    const ceiling = doubled(this.#baseMs, this.#attempts, this.#maxMs);
    this.#attempts += 1;
    return jittered(ceiling, this.#random);
  }

  /** Call after a success. */
  reset(): void {
    this.#attempts = 0;
  }
}
