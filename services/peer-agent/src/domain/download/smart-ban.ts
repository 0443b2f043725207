import type { PeerId } from '@enjambre/core/ids';
import type { ActivePiece } from './picker/active-piece.js';

interface FailedAttempt {
  readonly digests: readonly Buffer[];
  readonly senders: readonly (PeerId | undefined)[];
}

/**
 * Finds the peer that sent bad data, like libtorrent's smart ban. A failed piece with one sender names it at once. With
 * several, the piece is fetched again from one parole peer, and the senders of blocks that differ from the good ones
 * are the culprits; the honest ones are kept.
 */
export class SmartBan {
  readonly #attempts = new Map<number, FailedAttempt[]>();

  /** Number of pieces for which {@link has} is true. */
  get count(): number {
    return this.#attempts.size;
  }

  /** The pieces for which {@link has} is true. */
  pieces(): Iterable<number> {
    return this.#attempts.keys();
  }

  /** True if the piece failed before and must come from one peer. */
  has(piece: number): boolean {
    return this.#attempts.has(piece);
  }

  /** Records a piece that failed verification. Returns the culprit if there was only one sender. */
  failed(piece: ActivePiece): PeerId | undefined {
    const senders = piece.blocks.map(({ sender }) => sender);
    const distinct = new Set(senders);
    if (distinct.size === 1) return senders[0];
    const attempts = this.#attempts.get(piece.index) ?? [];
    attempts.push({ digests: piece.digests(), senders });
    this.#attempts.set(piece.index, attempts);
    return undefined;
  }

  /** Records a verified piece. Returns the senders of earlier blocks that differ from it. */
  verified(piece: ActivePiece): PeerId[] {
    const attempts = this.#attempts.get(piece.index) ?? [];
    this.#attempts.delete(piece.index);
    const good = piece.digests();
    const culprits = new Set<PeerId>();
    for (const { digests, senders } of attempts) {
      digests.forEach((digest, block) => {
        const sender = senders[block];
        if (sender !== undefined && !good[block]?.equals(digest)) culprits.add(sender);
      });
    }
    return [...culprits];
  }
}
