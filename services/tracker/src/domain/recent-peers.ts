import type { PeerId } from '@enjambre/core/ids';

/** Limit of remembered peers: the oldest are dropped first. */
const MAX_PEERS = 10_000;

/** Admits each peer at most once per interval. */
export class RecentPeers {
  /** Time of each peer's last admission, oldest first. */
  readonly #admitted = new Map<PeerId, number>();

  /** @param pauseMs minimum time between two admissions of the same peer */
  constructor(private readonly pauseMs: number) {}

  /**
   * False if the peer was admitted too recently. Clocks of several trackers may differ: a time far in the
   * future counts as one long ago.
   */
  admit(peer: PeerId, now: number): boolean {
    const last = this.#admitted.get(peer);
    if (last !== undefined && Math.abs(now - last) < this.pauseMs) return false;
    this.#admitted.delete(peer);
    this.#admitted.set(peer, now);
    for (const [oldest, at] of this.#admitted) {
      if (this.#admitted.size <= MAX_PEERS && Math.abs(now - at) < this.pauseMs) break;
      this.#admitted.delete(oldest);
    }
    return true;
  }
}
