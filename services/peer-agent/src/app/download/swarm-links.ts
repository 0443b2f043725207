import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { RejectReason } from '../../domain/block.js';
import { Candidates } from '../../domain/links/candidates.js';
import type { CandidateEffect, CandidateEvent, CloseReason, PeerChange } from '../../domain/links/messages.js';
import type { LinkState } from '../../domain/links/replacement.js';
import type { Random } from '../../domain/random.js';
import type { LinkListener, PeerAddress, PeerConnector, PeerLink } from '../ports.js';

/** News of all links of one download; each says whose it is. */
export interface SwarmHandler {
  joined(peer: PeerAddress, has: Bitfield): void;
  /** Once for each `joined`. */
  left(peer: PeerAddress, error: EnjambreError): void;
  /** A link ended before it began. */
  unreachable(peer: PeerAddress, error: EnjambreError): void;
  has(peer: PeerId, pieces: readonly number[]): void;
  choked(peer: PeerId, choked: boolean): void;
  superSeeds(peer: PeerId, on: boolean): void;
  heard(peer: PeerId): void;
  block(peer: PeerId, id: number, place: { piece: number; begin: number }, data: Buffer): void;
  rejected(peer: PeerId, id: number, reason: RejectReason): void;
}

export interface SwarmLinksComponents {
  readonly connector: PeerConnector;
  readonly infohash: InfoHash;
  readonly pieceCount: number;
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
  readonly address: PeerAddress;
  readonly link: PeerLink;
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

  get(peer: PeerId): PeerLink | undefined {
    return this.#links.get(peer)?.link;
  }

  /** Asks a peer for a block. */
  request(peer: PeerId, id: number, place: { piece: number; begin: number; length: number }): void {
    const link = this.get(peer);
    if (!link) return;
    this.#feed({ type: 'asked', peer });
    link.request(id, place);
  }

  have(pieces: readonly number[]): void {
    for (const { link } of this.#links.values()) link.have(pieces);
  }

  /** Links that stand. */
  *ready(): Generator<PeerLink> {
    for (const { link, ready } of this.#links.values()) if (ready) yield link;
  }

  /** Ends the link to a peer, and does not open another if it is banned by now. */
  drop(peer: PeerId, reason: string, message: string, piece?: number): void {
    if (this.#end(peer, { reason, message, piece })) this.#feed({ type: 'lost', peer });
  }

  close(reason: string, message: string): void {
    this.#closed = true;
    for (const peer of [...this.#links.keys()]) this.#end(peer, { reason, message });
  }

  #feed(event: CandidateEvent<PeerAddress>): void {
    if (this.#closed) return;
    for (const effect of this.#candidates.handle(event, this.parts.nowMs())) this.#apply(effect);
  }

  #apply(effect: CandidateEffect<PeerAddress>): void {
    switch (effect.type) {
      case 'open':
        return this.#open(effect.address);
      case 'close':
        this.#end(effect.peer, CLOSED_FOR[effect.reason]);
        return;
      case 'widen':
        return this.parts.widen();
    }
  }

  #open(address: PeerAddress): void {
    const { connector, infohash, pieceCount, have } = this.parts;
    const link = connector.open(address, { infohash, pieceCount, have }, this.#listener(address));
    this.#links.set(address.peerId, { address, link, ready: false });
  }

  #listener(address: PeerAddress): LinkListener {
    const { handler } = this;
    const peer = address.peerId;
    return {
      ready: (has) => {
        const open = this.#links.get(peer);
        if (open) open.ready = true;
        this.#feed({ type: 'ready', peer });
        handler.joined(address, has);
      },
      has: (pieces) => handler.has(peer, pieces),
      choked: (choked) => handler.choked(peer, choked),
      superSeeds: (on) => handler.superSeeds(peer, on),
      heard: () => {
        this.#feed({ type: 'answered', peer, whole: false });
        handler.heard(peer);
      },
      block: (id, place, data) => {
        this.#feed({ type: 'answered', peer, whole: true });
        handler.block(peer, id, place, data);
      },
      rejected: (id, reason) => {
        this.#feed({ type: 'rejected', peer });
        handler.rejected(peer, id, reason);
      },
      closed: (error) => {
        const wasReady = this.#links.get(peer)?.ready === true;
        this.#links.delete(peer);
        if (wasReady) handler.left(address, error);
        else handler.unreachable(address, error);
        this.#feed({ type: 'lost', peer });
      },
    };
  }

  /** False if there is no link. */
  #end(
    peer: PeerId,
    { reason, message, piece }: { reason: string; message: string; piece?: number | undefined },
  ): boolean {
    const open = this.#links.get(peer);
    if (!open) return false;
    this.#links.delete(peer);
    open.link.close(reason, message, piece);
    if (open.ready) this.handler.left(open.address, new EnjambreError('aborted', reason, message));
    return true;
  }
}
