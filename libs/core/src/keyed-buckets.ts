import { TokenBucket, type BucketOptions } from './token-bucket.js';

/** Full buckets are dropped after this many new ones: a stranger with many addresses must not fill the memory. */
const SWEEP_EVERY = 1000;

/** A token bucket for each key, such as a sender or a party; an absent one is full. */
export class KeyedBuckets {
  readonly #buckets = new Map<string, TokenBucket>();
  #added = 0;

  constructor(private readonly options: BucketOptions) {}

  /** Number of buckets that may not be full. */
  get size(): number {
    return this.#buckets.size;
  }

  /**
   * Takes tokens and returns 0, or returns the milliseconds until there are enough.
   *
   * @param now whole milliseconds
   */
  take(key: string, now: number, count = 1): number {
    let bucket = this.#buckets.get(key);
    if (!bucket) {
      this.#added += 1;
      if (this.#added % SWEEP_EVERY === 0) this.prune(now);
      this.#buckets.set(key, (bucket = new TokenBucket(this.options, now)));
    }
    return bucket.take(now, count);
  }

  /** Removes the full buckets. */
  prune(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key);
  }
}
