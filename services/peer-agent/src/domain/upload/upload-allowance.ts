import { BLOCK_SIZE } from '@enjambre/core/layout';
import { ByteBucket, lowerLimit, UNLIMITED } from '../limits/byte-bucket.js';
import type { RateShare } from '../limits/rate-limiter.js';
import { partLength } from './part-length.js';

/** A part of a block goes out every four seconds at least: a downloader that hears nothing for ten turns to others. */
const MIN_PACE = 4 << 10;

/**
 * How fast blocks may go to one stream: within its transfer's part of the agent's rate,
 * and no faster than its downloader asked for.
 */
export class UploadAllowance {
  /** A part of a block is sent: the rest comes before others begin. */
  isBusy = false;
  readonly #pace = new ByteBucket(UNLIMITED);

  constructor(
    private readonly share: RateShare,
    private readonly init: { readonly takesParts: boolean },
  ) {}

  /** The downloader's wish: bytes a second, or UNLIMITED. */
  setPace(bytesPerSecond: number, nowMs: number): void {
    const pace = bytesPerSecond === UNLIMITED ? UNLIMITED : Math.max(MIN_PACE, bytesPerSecond);
    this.#pace.setLimit(pace, nowMs);
  }

  /** Neither side has a limit. */
  get isUnlimited(): boolean {
    return this.#ceiling === UNLIMITED;
  }

  /** Bytes of a block that are sent at a time, so that they leave evenly. */
  get partLength(): number {
    if (!this.init.takesParts) return BLOCK_SIZE;
    return partLength(this.#ceiling);
  }

  mayTake(nowMs: number): boolean {
    return this.#pace.mayTake(nowMs) && this.share.mayTake(nowMs);
  }

  take(bytes: number): void {
    this.#pace.take(bytes);
    this.share.take(bytes);
  }

  /** So much of what was taken is sent, or is not to be. */
  moved(bytes: number): void {
    this.#pace.moved(bytes);
    this.share.moved(bytes);
  }

  /** Milliseconds until something may be taken, as it stands. */
  waitMs(nowMs: number): number {
    return Math.max(this.#pace.waitMs(nowMs), this.share.waitMs(nowMs));
  }

  get #ceiling(): number {
    return lowerLimit(this.share.ceiling, this.#pace.limit);
  }
}
