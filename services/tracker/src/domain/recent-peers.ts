import type { PeerId } from '@enjambre/core/ids';

/** More are not remembered: the oldest are forgotten first. */
const MAX_PEERS = 10_000;

/** Lets each peer do something once in a while. */
export class RecentPeers {
  /** When each was let through, the oldest first. */
  readonly #admitted = new Map<PeerId, number>();

  /** @param pauseMs so long must pass until the same peer is let through again */
  constructor(private readonly pauseMs: number) {}

  /**
   * False if the peer was let through too short a time ago. Clocks of several trackers may differ: a time that lies far ahead
   * is as good as one long ago.
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
