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

/** Reasons for the end of a link that no honest peer causes; the last is gRPC's code for a message over the limit. */
const BREACHES: ReadonlySet<string> = new Set(['PROTOCOL_VIOLATION', 'BAD_BITFIELD', 'RESOURCE_EXHAUSTED']);

/** Bad pieces and protocol violations by the peers of a download, and their consequences. */
export class Blame {
  readonly #culprits = new Culprits();

  constructor(private readonly parts: BlameComponents) {}

  /** True if the download must currently avoid the peer: it is banned or parked. */
  shuns(peer: PeerId): boolean {
    return (
      this.parts.bans.reasonFor(peer) !== undefined || this.#culprits.isParked(peer, this.parts.clock.nowMs())
    );
  }

  /** Removes the pieces that a peer must not be asked for from its bitfield. */
  joined(peer: PeerId, has: Bitfield): void {
    this.#culprits.joined(peer, has);
  }

  /** Removes and returns pieces that may be requested from their peers again. */
  forgiven(): ReturnType<Culprits['forgiven']> {
    return this.#culprits.forgiven(this.parts.clock.nowMs());
  }

  /**
   * A peer sent a bad piece, perhaps through no fault of its own: a bit may have flipped on the way. Parks it for a
   * moment, then asks it for the piece once more, over a new connection. If it does so repeatedly, the piece is asked
   * of others, and finally it is banned. Returns false, without effect, if it has withdrawn the file since.
   */
  badPiece(peer: PeerId, piece: number, reason: string): boolean {
    const { account, bans, ledger, infohash } = this.parts;
    if (this.#culprits.hasWithdrawn(peer)) return false;
    const { parkMs, isRepeated } = bans.offend({ peerId: peer, name: ledger.nameOf(peer), infohash }, reason);
    const nowMs = this.parts.clock.nowMs();
    this.#culprits.park(peer, nowMs + parkMs);
    if (isRepeated) this.#culprits.avoid(peer, piece, nowMs);
    if (bans.reasonFor(peer) !== undefined) account.note('ban');
    return true;
  }

  /** A link ended: a peer that violated the protocol gets a strike, and is parked for a moment. */
  linkEnded({ peerId, name }: PeerAddress, error: EnjambreError): void {
    const { clock, log, bans, infohash } = this.parts;
    log.debug(
      { peer: { id: peerId, name }, file: { infohash }, reason: error.reason },
      `link to ${name} ended: ${error.message}`,
    );
    if (error.reason === CONTENT_CHANGED) {
      this.#culprits.withdrew(peerId);
      bans.pardon(peerId, infohash);
    }
    if (!BREACHES.has(error.reason)) return;
    log.warn(
      { peer: { id: peerId, name }, file: { infohash }, reason: error.reason },
      `peer ${name} (${shortId(peerId)}) violated the protocol: ${error.message}`,
    );
    const { parkMs } = bans.strike({ peerId, name, infohash }, error.message);
    this.#culprits.park(peerId, clock.nowMs() + parkMs);
  }
}
