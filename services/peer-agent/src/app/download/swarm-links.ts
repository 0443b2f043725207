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

/** What is told of all links of one download. */
export interface SwarmHandler {
  /** Of a source, from when it joins to when it leaves. */
  heard(news: SourceNews, peer: PeerAddress): void;
  /** A link ended before it began. */
  unreachable(peer: PeerAddress, error: EnjambreError): void;
}

export interface SwarmLinksComponents {
  readonly connector: PeerConnector;
  readonly infohash: InfoHash;
  readonly layout: PieceLayout;
  /** What we have, live. */
  readonly have: Bitfield;
  /** Peers that are not to be dealt with. */
  readonly isBanned: (peer: PeerId) => boolean;
  /** Most of the peers that the tracker names do not answer, and others are to be named. */
  readonly widen: () => void;
  /** Milliseconds of a clock that only goes forward. */
  readonly nowMs: () => number;
  readonly random: Random;
}

/** What the peer is told whose link is given up. */
const CLOSED_FOR: Readonly<Record<CloseReason, { readonly reason: string; readonly message: string }>> = {
  banned: { reason: 'BANNED', message: 'you are banned' },
  replaced: { reason: 'REPLACED', message: 'the tracker named another peer instead' },
  'set-aside': { reason: 'REPLACED', message: 'another peer is tried instead' },
};

/** A link that is open, or being opened. */
interface OpenLink {
  readonly source: BlockSource;
  ready: boolean;
}

/** Keeps links to the peers of a swarm, as {@link Candidates} decides. */
export class SwarmLinks {
  readonly #candidates: Candidates<PeerAddress>;
  readonly #links = new Map<PeerId, OpenLink>();
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

  /** To be called about ten times a second: bans begin and end, waits are over. */
  review(): void {
    this.#feed({ type: 'tick' });
  }

  /** Peers that are known, and those that a link stands to. */
  get counts(): { known: number; ready: number } {
    return this.#candidates.counts;
  }

  get states(): Iterable<LinkState & { readonly address: PeerAddress }> {
    return this.#candidates.states;
  }

  get(peer: PeerId): BlockSource | undefined {
    return this.#links.get(peer)?.source;
  }

  /** Asks a peer for a block. */
  request(peer: PeerId, id: number, place: { piece: number; begin: number; length: number }): void {
    const source = this.get(peer);
    if (!source) return;
    this.#feed({ type: 'asked', source: peer });
    source.request(id, place);
  }

  have(pieces: readonly number[]): void {
    for (const { source } of this.#links.values()) source.have(pieces);
  }

  /** Links that stand. */
  *ready(): Generator<BlockSource> {
    for (const { source, ready } of this.#links.values()) if (ready) yield source;
  }

  /** Ends the link to a peer, and does not open another if it is banned by now. */
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
    const source = connector.open(address, { infohash, layout, have }, (news) => {
      this.#heard(news, address);
    });
    this.#links.set(address.peerId, { source, ready: false });
  }

  #heard(news: SourceNews, address: PeerAddress): void {
    const link = this.#links.get(news.source);
    if (!link) return;
    if (news.type === 'source-left') this.#links.delete(news.source);
    if (news.type === 'source-joined') link.ready = true;
    // First: what the handler does may be to ask again.
    this.#feed(news);
    if (link.ready) this.handler.heard(news, address);
    else if (news.type === 'source-left' && !news.byUs) this.handler.unreachable(address, news.error);
  }
}
