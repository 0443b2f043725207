import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';

/** Limits of what is remembered; the peers first sent something longest ago are dropped first. */
const MAX_PEERS = 1000;
const MAX_BYTES = 8 << 20;

/**
 * Which pieces of a file were sent to which peers, in whole or in part: only these peers can have a valid complaint
 * about them.
 */
export class GivenPieces {
  readonly #given = new Map<PeerId, Bitfield>();
  readonly #maxPeers: number;

  constructor(private readonly pieceCount: number) {
    this.#maxPeers = Math.min(MAX_PEERS, Math.max(1, Math.floor((MAX_BYTES * 8) / pieceCount)));
  }

  give(peer: PeerId, piece: number): void {
    let given = this.#given.get(peer);
    if (!given) {
      given = Bitfield.empty(this.pieceCount);
      this.#given.set(peer, given);
      const [oldest] = this.#given.keys();
      if (this.#given.size > this.#maxPeers && oldest !== undefined) this.#given.delete(oldest);
    }
    given.set(piece);
  }

  /** True if the piece was sent to the peer since the last call for it. */
  take(peer: PeerId, piece: number): boolean {
    return piece < this.pieceCount && (this.#given.get(peer)?.clear(piece) ?? false);
  }
}
