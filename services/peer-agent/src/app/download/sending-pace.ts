import { BLOCK_SIZE } from '@enjambre/core/layout';
import type { PeerId } from '@enjambre/core/ids';
import { UNLIMITED } from '../../domain/limits/byte-bucket.js';
import type { RateShare } from '../../domain/limits/rate-limiter.js';
import { partLength } from '../../domain/upload/part-length.js';
import type { BlockSource } from '../ports/peers.js';

interface Links {
  get(peer: PeerId): BlockSource | undefined;
  /** Open links. */
  ready(): Iterable<BlockSource>;
}

/** The pace exceeds the rate of requests a little: it must not be the bottleneck. */
const HEADROOM = 1.1;
/** Minimum relative change that is sent: less than the headroom. */
const NOTABLE = 0.05;

/**
 * Sets the pace at which uploaders send under a low limit. Blocks are requested one by one as the limit allows, but
 * without a pace each would arrive at full speed, and the bytes thus in bursts.
 */
export class SendingPace {
  #told = UNLIMITED;

  constructor(
    private readonly share: Pick<RateShare, 'fairRate'>,
    private readonly links: Links,
  ) {}

  /** A link opened. */
  joined(peer: PeerId): void {
    if (this.#told !== UNLIMITED) this.links.get(peer)?.pace(this.#told);
  }

  /** Call periodically: limits change, and so does the number of downloads that share them. */
  review(): void {
    const pace = Math.round(this.share.fairRate * HEADROOM);
    const wanted = partLength(pace) < BLOCK_SIZE ? pace : UNLIMITED;
    if (Math.abs(wanted - this.#told) <= this.#told * NOTABLE) return;
    this.#told = wanted;
    for (const link of this.links.ready()) link.pace(wanted);
  }
}
