import type { EnjambreError } from '@enjambre/core/error';
import { TokenBucket, type BucketOptions } from '@enjambre/core/token-bucket';

/** A token bucket for each key, such as a sender or a party. */
export class Rates {
  readonly #buckets = new Map<string, TokenBucket>();

  /** @param refusal the error for more, given the delay after which there is enough, in milliseconds */
  constructor(
    private readonly options: BucketOptions,
    private readonly refusal: (retryAfterMs: number) => EnjambreError,
  ) {}

  /** Throws the refusal if the bucket has less than `count` tokens. */
  take(key: string, now: number, count = 1): void {
    let bucket = this.#buckets.get(key);
    if (!bucket) this.#buckets.set(key, (bucket = new TokenBucket(this.options, now)));
    const retryAfterMs = bucket.take(now, count);
    if (retryAfterMs > 0) throw this.refusal(retryAfterMs);
  }

  /** Removes keys that were idle long enough for a full bucket. */
  prune(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(key);
  }
}
