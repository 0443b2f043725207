import { BLOCK_SIZE } from '@enjambre/core/layout';
import type { PeerId } from '@enjambre/core/ids';
import { UNLIMITED } from '../../domain/limits/byte-bucket.js';
import type { RateShare } from '../../domain/limits/rate-limiter.js';
import { partLength } from '../../domain/upload/part-length.js';
import type { BlockSource } from '../ports/peers.js';

interface Links {
  get(peer: PeerId): BlockSource | undefined;
  /** Those that stand. */
  ready(): Iterable<BlockSource>;
}

/** A little more than is asked for: a pace must not be what slows a download. */
const HEADROOM = 1.1;
/** News is told if it differs by so much: less than the headroom. */
const NOTABLE = 0.05;

/**
 * Tells uploaders at which pace a low limit wants its blocks. They are asked for one by one
 * as the limit allows, but each would come at once, and bytes so in bursts.
 */
export class SendingPace {
  #told = UNLIMITED;

  constructor(
    private readonly share: Pick<RateShare, 'fairRate'>,
    private readonly links: Links,
  ) {}

  /** A link stands now. */
  joined(peer: PeerId): void {
    if (this.#told !== UNLIMITED) this.links.get(peer)?.pace(this.#told);
  }

  /** To be called now and then: limits change, and others come and go. */
  review(): void {
    const pace = Math.round(this.share.fairRate * HEADROOM);
    const wanted = partLength(pace) < BLOCK_SIZE ? pace : UNLIMITED;
    if (Math.abs(wanted - this.#told) <= this.#told * NOTABLE) return;
    this.#told = wanted;
    for (const link of this.links.ready()) link.pace(wanted);
  }
}
