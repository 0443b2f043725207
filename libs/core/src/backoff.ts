export interface BackoffOptions {
  /** First wait in milliseconds. @default 200 */
  readonly baseMs?: number;
  /** Longest wait in milliseconds. @default 5000 */
  readonly maxMs?: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Exponential backoff with full jitter below half: each wait is in [½, 1] of base × 2ⁿ, at most `maxMs`. */
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
    const ceiling = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(this.#attempts, 30));
    this.#attempts += 1;
    return ceiling * (0.5 + this.#random() / 2);
  }

  /** Call after a success. */
  reset(): void {
    this.#attempts = 0;
  }
}
