import { TokenBucket, type BucketOptions } from '@enjambre/core/token-bucket';

/** Full buckets are dropped after this many new ones: a stranger with many addresses must not fill the memory. */
const SWEEP_EVERY = 1000;

/** A token bucket for each party; an absent one is full. */
export class PartyBuckets {
  readonly #buckets = new Map<string, TokenBucket>();
  #added = 0;

  constructor(private readonly options: BucketOptions) {}

  /** Number of buckets that may not be full. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token and returns 0, or returns the milliseconds until the next token. @param now whole milliseconds */
  take(party: string, now: number): number {
    let bucket = this.#buckets.get(party);
    if (!bucket) {
      this.#sweep(now);
      this.#buckets.set(party, (bucket = new TokenBucket(this.options, now)));
    }
    return bucket.take(now);
  }

  #sweep(now: number): void {
    this.#added += 1;
    if (this.#added % SWEEP_EVERY !== 0) return;
    for (const [party, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(party);
  }
}
