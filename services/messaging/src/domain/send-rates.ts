import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { TokenBucket, type BucketOptions } from '@enjambre/core/token-bucket';

/** A token bucket for each sender. */
export class SendRates {
  readonly #buckets = new Map<PeerId, TokenBucket>();

  constructor(private readonly options: BucketOptions) {}

  /** Throws `exhausted` TOO_FAST, with a retry delay. */
  take(sender: PeerId, now: number): void {
    let bucket = this.#buckets.get(sender);
    if (!bucket) this.#buckets.set(sender, (bucket = new TokenBucket(this.options, now)));
    const retryAfterMs = bucket.take(now);
    if (retryAfterMs === 0) return;
    const message = `more than ${this.options.perSecond} calls per second: try again after ${retryAfterMs} ms`;
    throw new EnjambreError('exhausted', 'TOO_FAST', message, { retryAfterMs });
  }

  /** Removes senders that were idle long enough for a full bucket. */
  prune(now: number): void {
    for (const [sender, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(sender);
  }
}
