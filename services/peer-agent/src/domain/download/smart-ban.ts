import type { PeerId } from '@enjambre/core/ids';
import type { ActivePiece } from './picker/active-piece.js';

interface FailedAttempt {
  readonly digests: readonly Buffer[];
  readonly blocks: readonly { readonly sender: PeerId | undefined; readonly link: number }[];
}

/** A peer that sent bad data. */
export interface Culprit {
  readonly peer: PeerId;
  /** The number of its link on which it did so; if that may be one of several, the first. */
  readonly link: number;
}

/**
 * Finds the peer that sent bad data, like libtorrent's smart ban. A failed piece with one sender names it at once. With
 * several, the piece is fetched again from one parole peer, and the senders of blocks that differ from the good ones
 * are the culprits; the honest ones are kept.
 */
export class SmartBan {
  readonly #attempts = new Map<number, FailedAttempt[]>();
  /** The number of links at the last report of a peer. */
  readonly #reported = new Map<PeerId, number>();

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
  failed(piece: ActivePiece): Culprit | undefined {
    const blocks = piece.blocks.map(({ sender, link }) => ({ sender, link }));
    const [peer, ...others] = new Set(blocks.map(({ sender }) => sender));
    if (peer !== undefined && others.length === 0)
      return { peer, link: Math.min(...blocks.map(({ link }) => link)) };
    const attempts = this.#attempts.get(piece.index) ?? [];
    attempts.push({ digests: piece.digests(), blocks });
    this.#attempts.set(piece.index, attempts);
    return undefined;
  }

  /** Records a verified piece. Returns the senders of earlier blocks that differ from it. */
  verified(piece: ActivePiece): Culprit[] {
    const attempts = this.#attempts.get(piece.index) ?? [];
    this.#attempts.delete(piece.index);
    const good = piece.digests();
    const culprits = new Map<PeerId, number>();
    for (const { digests, blocks } of attempts) {
      digests.forEach((digest, at) => {
        const { sender, link = 0 } = blocks[at] ?? {};
        if (sender === undefined || good[at]?.equals(digest)) return;
        culprits.set(sender, Math.max(link, culprits.get(sender) ?? 0));
      });
    }
    return [...culprits].map(([peer, link]) => ({ peer, link }));
  }

  /**
   * True if the peer is to be reported: it did so on a link that was opened after its last report. Bad data of earlier
   * links has the same cause.
   *
   * @param links number of links so far
   */
  report({ peer, link }: Culprit, links: number): boolean {
    if (link <= (this.#reported.get(peer) ?? 0)) return false;
    this.#reported.set(peer, links);
    return true;
  }
}
