export interface BucketOptions {
  /** Refill rate in tokens per second. */
  readonly perSecond: number;
  /** Capacity, and initial number of tokens. */
  readonly burst: number;
}

/** Tokens are counted in thousandths: a millisecond then adds a whole number of them, without rounding. */
const TOKEN = 1000;

/** A token bucket: each token allows one action, or a unit of one, in the long run `perSecond` per second. */
export class TokenBucket {
  /** In thousandths of a token: {@link TOKEN} is one. */
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

  /**
   * Takes tokens and returns 0, or returns the milliseconds until there are enough.
   *
   * @param count number of tokens; more than the burst count as the burst, or they would never be there
   */
  take(now: number, count = 1): number {
    this.#fill(now);
    const wanted = Math.min(count, this.options.burst) * TOKEN;
    if (this.#level < wanted) return Math.ceil((wanted - this.#level) / this.options.perSecond);
    this.#level -= wanted;
    return 0;
  }

  /** True if it is full: equal to a new bucket. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#level >= this.options.burst * TOKEN;
  }

  #fill(now: number): void {
    // A clock that was set back neither adds nor removes tokens.
    const elapsedMs = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    this.#level = Math.min(this.options.burst * TOKEN, this.#level + elapsedMs * this.options.perSecond);
  }
}
