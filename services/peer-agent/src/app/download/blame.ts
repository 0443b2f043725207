import type { Bitfield } from '@enjambre/core/bitfield';
import type { EnjambreError } from '@enjambre/core/error';
import { shortId, type InfoHash, type PeerId } from '@enjambre/core/ids';
import type { Logger } from '@enjambre/common/log/logger';
import { Culprits } from '../../domain/download/culprits.js';
import type { DownloadAccount } from '../../domain/explain/download-account.js';
import type { Bans } from '../agent/bans.js';
import type { Ledger } from '../agent/ledger.js';
import { CONTENT_CHANGED } from '../ports/piece-store.js';
import type { PeerAddress } from '../ports/peers.js';
import type { Clock } from '@enjambre/common/async/clock';

export interface BlameComponents {
  readonly clock: Clock;
  readonly infohash: InfoHash;
  readonly bans: Bans;
  readonly ledger: Pick<Ledger, 'nameOf'>;
  readonly account: Pick<DownloadAccount, 'note'>;
  readonly log: Logger;
}

/** Ends of a link that an honest peer does not cause; the last is gRPC's word for a message over the limit. */
const BREACHES: ReadonlySet<string> = new Set(['PROTOCOL_VIOLATION', 'BAD_BITFIELD', 'RESOURCE_EXHAUSTED']);

/** What a download holds against its peers. */
export class Blame {
  readonly #culprits = new Culprits();

  constructor(private readonly parts: BlameComponents) {}

  /** True if the peer is not to be dealt with at present: it is banned, or this download leaves it alone. */
  shuns(peer: PeerId): boolean {
    return (
      this.parts.bans.reasonFor(peer) !== undefined || this.#culprits.isParked(peer, this.parts.clock.nowMs())
    );
  }

  /** Takes from what a peer has the pieces that it is not to be asked for. */
  joined(peer: PeerId, has: Bitfield): void {
    this.#culprits.joined(peer, has);
  }

  /** Pieces that peers may be asked for again. */
  forgiven(): ReturnType<Culprits['forgiven']> {
    return this.#culprits.forgiven(this.parts.clock.nowMs());
  }

  /**
   * A peer sent a bad piece, which may be no fault of its own: it is left alone for a while, and banned if it does so again and
   * again. False if that is no news: it has withdrawn the file since.
   */
  badPiece(peer: PeerId, piece: number, reason: string): boolean {
    const { account, bans, ledger, infohash } = this.parts;
    if (this.#culprits.hasWithdrawn(peer)) return false;
    const parkMs = bans.offend({ peerId: peer, name: ledger.nameOf(peer), infohash }, reason);
    this.#culprits.blame(peer, piece, { parkMs, nowMs: this.parts.clock.nowMs() });
    if (bans.reasonFor(peer) !== undefined) account.note('ban');
    return true;
  }

  /** A link ended: a peer that broke the protocol gets a strike. */
  linkEnded({ peerId, name }: PeerAddress, error: EnjambreError): void {
    const { log, bans, infohash } = this.parts;
    log.debug({ peer: peerId, reason: error.reason }, `link to ${name} ended: ${error.message}`);
    if (error.reason === CONTENT_CHANGED) {
      this.#culprits.withdrew(peerId);
      bans.pardon(peerId, infohash);
    }
    if (!BREACHES.has(error.reason)) return;
    log.warn(
      { peer: peerId, reason: error.reason },
      `peer ${name} (${shortId(peerId)}) broke the protocol: ${error.message}`,
    );
    bans.strike({ peerId, name, infohash }, error.message);
  }
}
