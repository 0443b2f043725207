import type { Bitfield } from '@enjambre/core/bitfield';
import type { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { PieceLayout } from '@enjambre/core/layout';
import { Candidates } from '../../domain/links/candidates.js';
import type {
  CandidateEffect,
  CandidateEvent,
  CloseReason,
  PeerChange,
} from '../../domain/links/messages.js';
import type { LinkState } from '../../domain/links/replacement.js';
import type { Random } from '../../domain/random.js';
import type { BlockSource, PeerAddress, PeerConnector, SourceNews } from '../ports/peers.js';

/** Receives the events of all links of one download. */
export interface SwarmHandler {
  /** An event of a source, from `source-joined` to `source-left`. */
  heard(news: SourceNews, peer: PeerAddress): void;
  /** A link could not be opened. */
  unreachable(peer: PeerAddress, error: EnjambreError): void;
}

export interface SwarmLinksComponents {
  readonly connector: PeerConnector;
  readonly infohash: InfoHash;
  readonly layout: PieceLayout;
  /** Our bitfield, live. */
  readonly have: Bitfield;
  /** Whether a peer must be avoided. */
  readonly isBanned: (peer: PeerId) => boolean;
  /** Most of the listed peers do not answer: requests others from the tracker. */
  readonly widen: () => void;
  /** Monotonic time in milliseconds. */
  readonly nowMs: () => number;
  readonly random: Random;
}

/** Reason and message sent to a peer whose link is closed. */
const CLOSED_FOR: Readonly<Record<CloseReason, { readonly reason: string; readonly message: string }>> = {
  banned: { reason: 'BANNED', message: 'you are banned' },
  replaced: { reason: 'REPLACED', message: 'replaced by another peer from the tracker' },
  'set-aside': { reason: 'REPLACED', message: 'replaced by another peer' },
};

/** Keeps links to the peers of a swarm; {@link Candidates} decides to which. */
export class SwarmLinks {
  readonly #candidates: Candidates<PeerAddress>;
  /** Links that are open, or being opened. */
  readonly #links = new Map<PeerId, BlockSource>();
  #closed = false;

  constructor(
    private readonly parts: SwarmLinksComponents,
    private readonly handler: SwarmHandler,
  ) {
    this.#candidates = new Candidates(parts);
  }

  update(change: PeerChange<PeerAddress>): void {
    this.#feed({ type: 'peers', ...change });
  }

  /** Call about ten times a second: bans begin and end, and delays expire. */
  review(): void {
    this.#feed({ type: 'tick' });
  }

  /** Known peers, and those with an open link. */
  get counts(): { known: number; ready: number } {
    return this.#candidates.counts;
  }

  get states(): Iterable<LinkState & { readonly address: PeerAddress }> {
    return this.#candidates.states;
  }

  get(peer: PeerId): BlockSource | undefined {
    return this.#links.get(peer);
  }

  /** Requests a block from a peer. */
  request(peer: PeerId, id: number, place: { piece: number; begin: number; length: number }): void {
    const source = this.get(peer);
    if (!source) return;
    this.#feed({ type: 'asked', source: peer });
    source.request(id, place);
  }

  have(pieces: readonly number[]): void {
    for (const source of this.#links.values()) source.have(pieces);
  }

  /** Open links. */
  *ready(): Generator<BlockSource> {
    for (const { ready, address } of this.#candidates.states) {
      const source = ready ? this.get(address.peerId) : undefined;
      if (source) yield source;
    }
  }

  /** Ends the link to a peer. Another may be opened later unless the peer is banned. */
  drop(peer: PeerId, reason: string, message: string, piece?: number): void {
    this.get(peer)?.close(reason, message, piece);
  }

  close(reason: string, message: string): void {
    this.#closed = true;
    for (const peer of [...this.#links.keys()]) this.drop(peer, reason, message);
  }

  #feed(event: CandidateEvent<PeerAddress>): void {
    if (this.#closed) return;
    for (const effect of this.#candidates.handle(event, this.parts.nowMs())) this.#apply(effect);
  }

  #apply(effect: CandidateEffect<PeerAddress>): void {
    switch (effect.type) {
      case 'open':
        return this.#open(effect.address);
      case 'close': {
        const { reason, message } = CLOSED_FOR[effect.reason];
        return this.drop(effect.peer, reason, message);
      }
      case 'widen':
        return this.parts.widen();
    }
  }

  #open(address: PeerAddress): void {
    const { connector, infohash, layout, have } = this.parts;
    const dialed = (): void => this.#feed({ type: 'dialed', source: address.peerId });
    const source = connector.open(address, { infohash, layout, have, dialed }, (news) => {
      this.#heard(news, address);
    });
    this.#links.set(address.peerId, source);
  }

  #heard(news: SourceNews, address: PeerAddress): void {
    if (!this.#links.has(news.source)) return;
    if (news.type === 'source-left') this.#links.delete(news.source);
    // Before the handler, which may send new requests.
    const isRefused = news.type === 'source-left';
    this.#feed(isRefused ? { ...news, retryAfterMs: news.error.retryAfterMs } : news);
    if (news.type !== 'source-left' || news.joined) this.handler.heard(news, address);
    else if (!news.byUs) this.handler.unreachable(address, news.error);
  }
}
