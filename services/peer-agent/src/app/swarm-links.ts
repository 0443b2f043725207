import type { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { Backoff } from '@enjambre/common/async/backoff';
import type { RejectReason } from '../domain/engine/messages.js';
import { findIdle, findReplaceable, isQuiet, type LinkState } from '../domain/replaceable.js';
import { SparePeers } from '../domain/spare-peers.js';
import { MAX_LINKS } from '../domain/swarm-constants.js';
import type { LinkListener, PeerAddress, PeerConnector, PeerLink } from './ports.js';

/** As one text, to be compared. */
function endpointsOf({ endpoint, endpoints = [endpoint] }: PeerAddress): string {
  return endpoints.join(' ');
}

/** News of all links of one download; each says whose it is. */
export interface SwarmHandler {
  joined(peer: PeerAddress, has: Bitfield): void;
  /** Once for each `joined`. */
  left(peer: PeerAddress, error: EnjambreError): void;
  /** A link ended before it began. */
  unreachable(peer: PeerAddress, error: EnjambreError): void;
  has(peer: PeerId, pieces: readonly number[]): void;
  choked(peer: PeerId, choked: boolean): void;
  spreads(peer: PeerId, on: boolean): void;
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
}

/** Peers that are dialed or dealt with at a time, those that do not answer included. */
const MAX_CANDIDATES = 2 * MAX_LINKS;
/** Who gave its place to another is not turned to again before. */
const SET_ASIDE_MS = 10_000;
const WIDEN_AGAIN_MS = 30_000;

interface Candidate {
  address: PeerAddress;
  link: PeerLink | undefined;
  ready: boolean;
  /** Since when it is ready, or is not. */
  sinceMs: number;
  /** When it was first asked for a block since it last answered. */
  askedMs: number | undefined;
  /** The tracker still names it. A link that works is kept anyhow. */
  listed: boolean;
  /** When its last block came. */
  heardMs: number;
  readonly backoff: Backoff;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Keeps links to the peers of a swarm: opens one to each that the tracker names, and
 * again with growing waits when it breaks. What the tracker takes back is not cut: a
 * tracker that was restarted knows less than its agents.
 */
export class SwarmLinks {
  readonly #candidates = new Map<PeerId, Candidate>();
  /** Banned peers that the tracker names: bans end. */
  readonly #shunned = new Map<PeerId, PeerAddress>();
  readonly #spare = new SparePeers<PeerAddress>();
  /** Peers whose place was given to another, and when. */
  readonly #setAside = new Map<PeerId, number>();
  #widenedMs = -Infinity;
  #closed = false;

  constructor(
    private readonly parts: SwarmLinksComponents,
    private readonly handler: SwarmHandler,
  ) {}

  update(change: { snapshot: boolean; upserted: readonly PeerAddress[]; removed: readonly PeerId[] }): void {
    if (change.snapshot) {
      this.#shunned.clear();
      this.#spare.clear();
      for (const candidate of this.#candidates.values()) candidate.listed = false;
    }
    for (const peer of change.removed) {
      this.#shunned.delete(peer);
      this.#spare.delete(peer);
      const candidate = this.#candidates.get(peer);
      if (candidate) candidate.listed = false;
    }
    for (const address of change.upserted) this.#list(address);
    for (const candidate of this.#candidates.values()) this.#dropIfDone(candidate);
    this.#listSpare();
  }

  /** Ends links to peers that were banned elsewhere since, and turns to those whose ban is over or for whom there is room now. */
  review(): void {
    for (const peer of this.#candidates.keys()) {
      if (this.parts.isBanned(peer)) this.drop(peer, 'BANNED', 'you are banned');
    }
    for (const [peer, address] of this.#shunned) {
      if (this.parts.isBanned(peer)) continue;
      this.#shunned.delete(peer);
      this.#list(address);
    }
    this.#listSpare();
    this.#widenIfIdle();
  }

  /** Peers that are known, and those that a link stands to. */
  get counts(): { known: number; ready: number } {
    let ready = 0;
    for (const candidate of this.#candidates.values()) ready += candidate.ready ? 1 : 0;
    return { known: this.#candidates.size, ready };
  }

  get states(): Iterable<LinkState & { readonly address: PeerAddress }> {
    return this.#candidates.values();
  }

  get(peer: PeerId): PeerLink | undefined {
    return this.#candidates.get(peer)?.link;
  }

  /** Asks a peer for a block. */
  request(peer: PeerId, id: number, place: { piece: number; begin: number; length: number }): void {
    const candidate = this.#candidates.get(peer);
    if (!candidate?.link) return;
    candidate.askedMs ??= this.parts.nowMs();
    candidate.link.request(id, place);
  }

  have(pieces: readonly number[]): void {
    for (const { link } of this.#candidates.values()) link?.have(pieces);
  }

  /** Links that stand. */
  *ready(): Generator<PeerLink> {
    for (const { link, ready } of this.#candidates.values()) if (ready && link) yield link;
  }

  /** Ends the link to a peer, and does not open another if it is banned by now. */
  drop(peer: PeerId, reason: string, message: string, piece?: number): void {
    const candidate = this.#candidates.get(peer);
    if (!candidate) return;
    candidate.link?.close(reason, message, piece);
    this.#lost(candidate, new EnjambreError('aborted', reason, message));
    this.#retry(candidate);
  }

  close(reason: string, message: string): void {
    this.#closed = true;
    for (const candidate of this.#candidates.values()) {
      clearTimeout(candidate.timer);
      candidate.link?.close(reason, message);
      this.#lost(candidate, new EnjambreError('aborted', reason, message));
    }
    this.#candidates.clear();
  }

  #list(address: PeerAddress): void {
    const known = this.#candidates.get(address.peerId);
    if (known) {
      const moved = endpointsOf(known.address) !== endpointsOf(address);
      known.address = address;
      known.listed = true;
      if (moved && !known.link) this.#open(known);
      return;
    }
    this.#spare.delete(address.peerId);
    if (this.parts.isBanned(address.peerId)) return this.#shun(address);
    if (!this.#hasRoom()) return this.#spare.put(address.peerId, address);
    const candidate: Candidate = {
      address,
      link: undefined,
      ready: false,
      sinceMs: this.parts.nowMs(),
      askedMs: undefined,
      listed: true,
      heardMs: -Infinity,
      backoff: new Backoff({ baseMs: 300, maxMs: 10_000 }),
      timer: undefined,
    };
    this.#candidates.set(address.peerId, candidate);
    this.#open(candidate);
  }

  /** Turns to peers for whom there was no room, if there is now. */
  #listSpare(): void {
    const nowMs = this.parts.nowMs();
    const isWanted = (peer: PeerId): boolean =>
      !this.parts.isBanned(peer) && nowMs - (this.#setAside.get(peer) ?? -Infinity) >= SET_ASIDE_MS;
    for (const address of this.#spare.take(isWanted, () => this.#hasRoom())) this.#list(address);
  }

  /** Gives up a peer for another if it must. False if all are to be kept. */
  #hasRoom(): boolean {
    if (this.#candidates.size < MAX_LINKS) return true;
    const nowMs = this.parts.nowMs();
    const worst = findReplaceable(this.#candidates.values(), nowMs);
    if (worst) {
      this.drop(worst.address.peerId, 'REPLACED', 'the tracker named another peer instead');
      return true;
    }
    // Those that do not answer may do so yet; they are no reason to wait for others.
    if (this.#candidates.size - this.#countQuiet(nowMs) < MAX_LINKS && this.#candidates.size < MAX_CANDIDATES)
      return true;
    return this.#setIdleAside(nowMs);
  }

  #countQuiet(nowMs: number): number {
    let quiet = 0;
    for (const candidate of this.#candidates.values()) quiet += isQuiet(candidate, nowMs) ? 1 : 0;
    return quiet;
  }

  /** Gives up a peer that is of no use for now, and turns to it later. False if there is none. */
  #setIdleAside(nowMs: number): boolean {
    const [idle] = findIdle(this.#candidates.values(), nowMs);
    if (!idle) return false;
    const { address, listed } = idle;
    idle.listed = false;
    this.drop(address.peerId, 'REPLACED', 'another peer is tried instead');
    this.#setAside.set(address.peerId, nowMs);
    const [oldest] = this.#setAside.keys();
    if (this.#setAside.size > MAX_CANDIDATES && oldest) this.#setAside.delete(oldest);
    if (listed) this.#spare.put(address.peerId, address);
    return true;
  }

  /** All places are taken, and most of the peers do not answer, or none sends what it was asked for. */
  #widenIfIdle(): void {
    const nowMs = this.parts.nowMs();
    if (this.#candidates.size < MAX_LINKS || nowMs - this.#widenedMs < WIDEN_AGAIN_MS) return;
    const idle = findIdle(this.#candidates.values(), nowMs);
    if (idle.length < MAX_LINKS / 2 && !idle.some(({ ready }) => ready)) return;
    this.#widenedMs = nowMs;
    this.parts.widen();
  }

  #shun(address: PeerAddress): void {
    if (this.#shunned.size < MAX_LINKS) this.#shunned.set(address.peerId, address);
  }

  #open(candidate: Candidate): void {
    clearTimeout(candidate.timer);
    const { connector, infohash, pieceCount, have } = this.parts;
    const what = { infohash, pieceCount, have };
    candidate.link = connector.open(candidate.address, what, this.#listener(candidate));
  }

  #listener(candidate: Candidate): LinkListener {
    const { address } = candidate;
    const peer = address.peerId;
    const { handler } = this;
    return {
      ready: (has) => {
        candidate.ready = true;
        candidate.sinceMs = this.parts.nowMs();
        handler.joined(address, has);
      },
      has: (pieces) => handler.has(peer, pieces),
      choked: (choked) => handler.choked(peer, choked),
      spreads: (on) => handler.spreads(peer, on),
      heard: () => {
        this.#answered(candidate);
        handler.heard(peer);
      },
      block: (id, place, data) => {
        candidate.backoff.reset();
        this.#answered(candidate);
        handler.block(peer, id, place, data);
      },
      rejected: (id, reason) => {
        candidate.askedMs = undefined;
        handler.rejected(peer, id, reason);
      },
      closed: (error) => {
        if (!candidate.ready) handler.unreachable(address, error);
        this.#lost(candidate, error);
        this.#retry(candidate);
      },
    };
  }

  #answered(candidate: Candidate): void {
    candidate.heardMs = this.parts.nowMs();
    candidate.askedMs = undefined;
  }

  #lost(candidate: Candidate, error: EnjambreError): void {
    const wasReady = candidate.ready;
    if (wasReady) candidate.sinceMs = this.parts.nowMs();
    candidate.askedMs = undefined;
    candidate.link = undefined;
    candidate.ready = false;
    if (wasReady) this.handler.left(candidate.address, error);
  }

  #retry(candidate: Candidate): void {
    clearTimeout(candidate.timer);
    if (this.#dropIfDone(candidate) || this.#closed) return;
    candidate.timer = setTimeout(() => {
      this.#open(candidate);
    }, candidate.backoff.next());
  }

  /** Forgets a peer that nobody names any more, or that is banned. */
  #dropIfDone(candidate: Candidate): boolean {
    const peer = candidate.address.peerId;
    const banned = this.parts.isBanned(peer);
    if (candidate.link || (candidate.listed && !banned)) return false;
    if (candidate.listed && banned && !this.#closed) this.#shun(candidate.address);
    clearTimeout(candidate.timer);
    if (this.#candidates.get(peer) === candidate) this.#candidates.delete(peer);
    return true;
  }
}
