export interface BucketOptions {
  /** Refilled so fast. */
  readonly perSecond: number;
  /** Holds so many at most, and at first. */
  readonly burst: number;
}

/** A token bucket: whoever takes a token may act, in the long run `perSecond` times a second. */
export class TokenBucket {
  #tokens: number;
  #filledAt: number;

  /** @param now milliseconds, of any clock */
  constructor(
    private readonly options: BucketOptions,
    now: number,
  ) {
    this.#tokens = options.burst;
    this.#filledAt = now;
  }

  /** Takes a token and returns 0, or returns after how many milliseconds there will be one. */
  take(now: number): number {
    this.#fill(now);
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil(((1 - this.#tokens) * 1000) / this.options.perSecond));
  }

  /** True if it holds all it can: a new one would be the same. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= this.options.burst;
  }

  #fill(now: number): void {
    // A clock that was set back gives nothing, and takes nothing.
    const elapsedMs = Math.max(0, now - this.#filledAt);
    this.#filledAt = now;
    this.#tokens = Math.min(this.options.burst, this.#tokens + (elapsedMs * this.options.perSecond) / 1000);
  }
}
