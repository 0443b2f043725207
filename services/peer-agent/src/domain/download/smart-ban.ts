import type { PeerId } from '@enjambre/core/ids';
import type { ActivePiece } from './picker/active-piece.js';

interface FailedAttempt {
  readonly digests: readonly Buffer[];
  readonly senders: readonly (PeerId | undefined)[];
}

/**
 * Finds the peer that sent bad bytes, as libtorrent's smart ban does. A failed piece with one sender names it at once. With
 * several, the piece is fetched again from one parole peer, and the sender of a block that
 * differs from the good one is the culprit; the honest ones are kept.
 */
export class SmartBan {
  readonly #attempts = new Map<number, FailedAttempt[]>();

  /** How many pieces {@link has} is true of. */
  get count(): number {
    return this.#attempts.size;
  }

  /** Those pieces. */
  pieces(): Iterable<number> {
    return this.#attempts.keys();
  }

  /** True if the piece failed before and has to come from one peer. */
  has(piece: number): boolean {
    return this.#attempts.has(piece);
  }

  /** Takes note of a piece that failed to verify. Returns the culprit if there was one sender. */
  failed(piece: ActivePiece): PeerId | undefined {
    const senders = piece.blocks.map(({ sender }) => sender);
    const distinct = new Set(senders);
    if (distinct.size === 1) return senders[0];
    const attempts = this.#attempts.get(piece.index) ?? [];
    attempts.push({ digests: piece.digests(), senders });
    this.#attempts.set(piece.index, attempts);
    return undefined;
  }

  /** Takes note of a piece that verified. Returns those whose earlier blocks differ from it. */
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
