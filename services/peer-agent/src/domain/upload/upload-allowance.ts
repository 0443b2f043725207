import { ByteBucket, lowerLimit, UNLIMITED } from '../limits/byte-bucket.js';
import type { RateShare } from '../limits/rate-limiter.js';
import { partLength } from './part-length.js';

/**
 * At least one part of a block is sent every four seconds: a downloader that receives nothing for ten seconds switches
 * to other peers.
 */
const MIN_PACE = 4 << 10;

/**
 * Rate at which blocks may be sent on one stream: within its transfer's share of the agent's rate, and no faster than
 * the downloader requested.
 */
export class UploadAllowance {
  /** A block is being sent in parts: its rest comes before other blocks start. */
  isBusy = false;
  readonly #pace = new ByteBucket(UNLIMITED);

  constructor(
    private readonly share: RateShare,
    private readonly init: { readonly takesParts: boolean },
  ) {}

  /** The rate requested by the downloader: bytes per second, or UNLIMITED. */
  setPace(bytesPerSecond: number, nowMs: number): void {
    const pace = bytesPerSecond === UNLIMITED ? UNLIMITED : Math.max(MIN_PACE, bytesPerSecond);
    this.#pace.setLimit(pace, nowMs);
  }

  /** True if neither side has a limit. */
  get isUnlimited(): boolean {
    return this.#ceiling === UNLIMITED;
  }

  /** Bytes of a block to send at a time, so that they are sent evenly; Infinity for the whole block. */
  get partLength(): number {
    if (!this.init.takesParts) return Infinity;
    return partLength(this.#ceiling);
  }

  mayTake(nowMs: number): boolean {
    return this.#pace.mayTake(nowMs) && this.share.mayTake(nowMs);
  }

  take(bytes: number): void {
    this.#pace.take(bytes);
    this.share.take(bytes);
  }

  /** Reports that this many of the bytes taken were sent, or will not be. */
  moved(bytes: number): void {
    this.#pace.moved(bytes);
    this.share.moved(bytes);
  }

  /** Milliseconds until bytes may be taken, as things stand. */
  waitMs(nowMs: number): number {
    return Math.max(this.#pace.waitMs(nowMs), this.share.waitMs(nowMs));
  }

  get #ceiling(): number {
    return lowerLimit(this.share.ceiling, this.#pace.limit);
  }
}
