import type { EnjambreError } from '@enjambre/core/error';
import { KeyedBuckets } from '@enjambre/core/keyed-buckets';
import type { BucketOptions } from '@enjambre/core/token-bucket';

/** A token bucket for each key, such as a sender or a party, and the refusal of what is too much. */
export class Rates {
  readonly #buckets: KeyedBuckets;

  /** @param refusal the error for more, given the delay after which there is enough, in milliseconds */
  constructor(
    options: BucketOptions,
    private readonly refusal: (retryAfterMs: number) => EnjambreError,
  ) {
    this.#buckets = new KeyedBuckets(options);
  }

  /** Throws the refusal if the bucket has less than `count` tokens. */
  take(key: string, now: number, count = 1): void {
    const retryAfterMs = this.#buckets.take(key, now, count);
    if (retryAfterMs > 0) throw this.refusal(retryAfterMs);
  }

  /** Removes keys that were idle long enough for a full bucket. */
  prune(now: number): void {
    this.#buckets.prune(now);
  }
}
