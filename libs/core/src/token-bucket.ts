export interface BucketOptions {
  /** Refilled so fast. */
  readonly perSecond: number;
  /** Holds so many at most, and at first. */
  readonly burst: number;
}

/** A token is counted in thousands: a millisecond so brings a whole number of them, and nothing is rounded. */
const TOKEN = 1000;

/** A token bucket: whoever takes a token may act, in the long run `perSecond` times a second. */
export class TokenBucket {
  /** In units of a {@link TOKEN}th. */
  #level: number;
  #filledAt: number;

  /** @param now whole milliseconds, of any clock */
  constructor(
    private readonly options: BucketOptions,
    now: number,
  ) {
    this.#level = options.burst * TOKEN;
    this.#filledAt = now;
  }

  /** Takes a token and returns 0, or returns after how many milliseconds there will be one. */
  take(now: number): number {
    this.#fill(now);
    if (this.#level < TOKEN) return Math.ceil((TOKEN - this.#level) / this.options.perSecond);
    this.#level -= TOKEN;
    return 0;
  }

  /** True if it holds all it can: a new one would be the same. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#level >= this.options.burst * TOKEN;
  }

  #fill(now: number): void {
    // A clock that was set back gives nothing, and takes nothing.
    const elapsedMs = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    this.#level = Math.min(this.options.burst * TOKEN, this.#level + elapsedMs * this.options.perSecond);
  }
}
