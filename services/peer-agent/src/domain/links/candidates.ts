import type { PeerId } from '@enjambre/core/ids';
import { Backoff, retryWaitMs } from '@enjambre/core/backoff';
import type { Random } from '../random.js';
import { MAX_LINKS } from '../swarm-constants.js';
import type {
  CandidateAddress,
  CandidateEffect,
  CandidateEvent,
  CloseReason,
  PeerChange,
} from './messages.js';
import { countParties, inPartyTurns, partyOf, shuffled } from './party-turns.js';
import {
  findExcess,
  findIdle,
  findReplaceable,
  findUseless,
  findWaiting,
  isQuiet,
  type LinkState,
} from './replacement.js';
import { SparePeers, type Spare } from './spare-peers.js';

export interface CandidatesComponents {
  /** Peers currently banned. */
  readonly isBanned: (peer: PeerId) => boolean;
  readonly random: Random;
}

/** Maximum number of peers dialed or linked at a time, including peers that do not answer. */
const MAX_CANDIDATES = 2 * MAX_LINKS;
/** A peer that was set aside for another is not tried again before this time. */
const SET_ASIDE_MS = 10_000;
const WIDEN_AGAIN_MS = 30_000;
/** While others wait, a link that gives nothing is given up this often. */
const TURNOVER_MS = 10_000;
/** Without room or news, places are given out again this often: bans and delays expire. */
const REVIEW_MS = 1000;
/** Delays between attempts to reach a peer. */
const RETRY = { baseMs: 300, maxMs: 10_000 };

interface Candidate<Address> extends LinkState {
  address: Address;
  party: string;
  /** A link is open, or being opened. */
  linked: boolean;
  ready: boolean;
  dialed: boolean;
  sinceMs: number;
  askedMs: number | undefined;
  /** The tracker still lists the peer. A working link is kept regardless. */
  listed: boolean;
  heardMs: number;
  /** When to retry, if there is no link. */
  retryMs: number;
  readonly backoff: Backoff;
}

/**
 * Decides which peers of a swarm a download has links to: one link to each peer that the tracker lists, while there is
 * room, reopened with growing delays when it breaks. A link is not cut because the tracker no longer lists its peer: a
 * restarted tracker knows less than its agents. Takes events with their times; does no I/O and reads no clock. Feed it
 * `tick` about ten times a second.
 */
export class Candidates<Address extends CandidateAddress> {
  readonly #candidates = new Map<PeerId, Candidate<Address>>();
  /** Banned peers that the tracker lists: bans expire. */
  readonly #shunned = new Map<PeerId, Address>();
  readonly #spare = new SparePeers<Address>();
  /** Peers set aside for another, and when. */
  readonly #setAside = new Map<PeerId, number>();
  #widenedMs = -Infinity;
  #turnoverMs = -Infinity;
  #reviewMs = -Infinity;
  #nowMs = 0;
  #effects: CandidateEffect<Address>[] = [];

  constructor(private readonly parts: CandidatesComponents) {}

  /** Number of known peers, and of peers with an established link. */
  get counts(): { known: number; ready: number } {
    let ready = 0;
    for (const candidate of this.#candidates.values()) ready += candidate.ready ? 1 : 0;
    return { known: this.#candidates.size, ready };
  }

  get states(): Iterable<LinkState & { readonly address: Address }> {
    return this.#candidates.values();
  }

  /** Takes one event and returns what to do. `nowMs` never decreases. */
  handle(event: CandidateEvent<Address>, nowMs: number): CandidateEffect<Address>[] {
    this.#nowMs = nowMs;
    this.#effects = [];
    this.#dispatch(event);
    return this.#effects;
  }

  #dispatch(event: CandidateEvent<Address>): void {
    if (event.type === 'peers') return this.#update(event);
    if (event.type === 'tick') return this.#tick();
    const candidate = this.#candidates.get(event.source);
    if (!candidate?.linked) return;
    switch (event.type) {
      case 'dialed':
        return this.#dialed(candidate);
      case 'source-joined':
        candidate.ready = true;
        candidate.dialed = true;
        candidate.sinceMs = this.#nowMs;
        return;
      case 'asked':
        candidate.askedMs ??= this.#nowMs;
        return;
      case 'block-arrived':
        candidate.backoff.reset();
        return this.#answered(candidate);
      case 'source-heard':
        return this.#answered(candidate);
      case 'block-rejected':
        candidate.askedMs = undefined;
        return;
      case 'source-left':
        return this.#lost(candidate, event.retryAfterMs);
      default: // Other events do not affect the choice of links.
    }
  }

  /** The time for its hello starts with the first dial: later ones do not make a silent peer a new one. */
  #dialed(candidate: Candidate<Address>): void {
    if (candidate.dialed) return;
    candidate.dialed = true;
    candidate.sinceMs = this.#nowMs;
  }

  #answered(candidate: Candidate<Address>): void {
    candidate.heardMs = this.#nowMs;
    candidate.askedMs = undefined;
  }

  #update({ snapshot, upserted, removed }: PeerChange<Address>): void {
    if (snapshot) {
      this.#shunned.clear();
      this.#spare.clear();
      for (const candidate of this.#candidates.values()) candidate.listed = false;
    }
    for (const peer of removed) {
      this.#shunned.delete(peer);
      this.#spare.delete(peer);
      const candidate = this.#candidates.get(peer);
      if (candidate) candidate.listed = false;
    }
    const allFit = this.#candidates.size + upserted.length <= MAX_LINKS;
    const listed = upserted.map((address) => ({ address, party: partyOf(address) }));
    for (const peer of allFit ? listed : this.#inTurns(shuffled(listed, this.parts.random))) this.#list(peer);
    for (const candidate of this.#candidates.values()) this.#dropIfDone(candidate);
    this.#listSpare();
  }

  /**
   * Closes links to peers banned since the last tick; opens links to peers whose ban or delay has expired, or for which
   * there is room now.
   */
  #tick(): void {
    for (const [peer, candidate] of this.#candidates) {
      if (this.parts.isBanned(peer)) this.#close(candidate, 'banned');
      else if (!candidate.linked && candidate.retryMs <= this.#nowMs) this.#open(candidate);
    }
    for (const [peer, address] of this.#shunned) {
      if (this.parts.isBanned(peer)) continue;
      this.#shunned.delete(peer);
      this.#list({ address, party: partyOf(address) });
    }
    if (this.#isDue) this.#listSpare();
    this.#widenIfIdle();
  }

  /** Spare peers are only sorted when a place is free, or may be: that takes time for each of many downloads. */
  get #isDue(): boolean {
    if (this.#nowMs - this.#reviewMs >= REVIEW_MS || this.#candidates.size < MAX_LINKS) return true;
    if (findReplaceable(this.#candidates.values(), this.#nowMs)) return true;
    return findIdle(this.#candidates.values(), this.#nowMs).length > 0;
  }

  #list(peer: Spare<Address>): void {
    const { address, party } = peer;
    const { peerId } = address;
    const known = this.#candidates.get(peerId);
    if (known) {
      const moved = endpointsOf(known.address) !== endpointsOf(address);
      known.address = address;
      known.party = party;
      known.listed = true;
      if (moved && !known.linked) this.#open(known);
      return;
    }
    this.#spare.delete(peerId);
    if (this.parts.isBanned(peerId)) this.#shun(address);
    else if (this.#hasRoom(party)) this.#place(peer);
    else this.#spare.put(peer);
  }

  #place({ address, party }: Spare<Address>): void {
    this.#spare.delete(address.peerId);
    const candidate: Candidate<Address> = {
      address,
      party,
      linked: false,
      ready: false,
      dialed: false,
      sinceMs: this.#nowMs,
      askedMs: undefined,
      listed: true,
      heardMs: -Infinity,
      retryMs: this.#nowMs,
      backoff: new Backoff({ ...RETRY, random: this.parts.random }),
    };
    this.#candidates.set(address.peerId, candidate);
    this.#open(candidate);
  }

  /** Peers in the order in which they get places: parties that have the fewest come first. */
  #inTurns(peers: readonly Spare<Address>[]): Spare<Address>[] {
    return inPartyTurns(peers, ({ party }) => party, this.#places);
  }

  /** Number of places of each party. */
  get #places(): Map<string, number> {
    return countParties(this.#candidates.values());
  }

  /** Spare peers that may be tried now. */
  #waiting(): Spare<Address>[] {
    return this.#spare.wanted(
      (peer) =>
        !this.parts.isBanned(peer) && this.#nowMs - (this.#setAside.get(peer) ?? -Infinity) >= SET_ASIDE_MS,
    );
  }

  /** Opens links to spare peers, if there is room now. */
  #listSpare(): void {
    this.#reviewMs = this.#nowMs;
    const waiting = this.#waiting();
    if (waiting.length === 0) return;
    const inTurns = this.#inTurns(waiting);
    for (const peer of inTurns) {
      if (!this.#hasRoom(peer.party)) return this.#turnOver(inTurns);
      this.#place(peer);
    }
  }

  /** Gives up a peer to make room for one of this party, if necessary. False if all must be kept. */
  #hasRoom(party: string): boolean {
    if (this.#candidates.size < MAX_LINKS) return true;
    const worst = findReplaceable(this.#candidates.values(), this.#nowMs);
    if (worst) {
      this.#close(worst, 'replaced');
      return true;
    }
    // Peers that do not answer may still do so; they must not keep others waiting.
    if (this.#candidates.size - this.#countQuiet() < MAX_LINKS && this.#candidates.size < MAX_CANDIDATES)
      return true;
    const counts = this.#places;
    const [idle] = findIdle(this.#candidates.values(), this.#nowMs).filter(givesWayTo(party, counts));
    const useless = idle ?? findExcess(this.#candidates.values(), party, counts);
    if (useless) this.#putAside(useless);
    return useless !== undefined || this.#swapWaiting(givesWayTo(party, counts));
  }

  /**
   * A peer that waits long to be dialed gives its place to another, which may be dialed at once, and gets one again soon:
   * nothing is known against it.
   */
  #swapWaiting(mayGive: (link: Candidate<Address>) => boolean): boolean {
    const waiting = findWaiting(this.#candidates.values(), this.#nowMs).find(mayGive);
    if (!waiting) return false;
    const { address, party, listed } = waiting;
    waiting.listed = false;
    this.#close(waiting, 'set-aside');
    if (listed) this.#spare.put({ address, party });
    return true;
  }

  #countQuiet(): number {
    let quiet = 0;
    for (const candidate of this.#candidates.values()) quiet += isQuiet(candidate, this.#nowMs) ? 1 : 0;
    return quiet;
  }

  /** A link that has given nothing for long makes room for another peer, one at a time. */
  #turnOver(waiting: readonly Spare<Address>[]): void {
    if (this.#nowMs - this.#turnoverMs < TURNOVER_MS) return;
    const next = waiting.find(({ address }) => !this.#candidates.has(address.peerId));
    const useless = findUseless(this.#candidates.values(), this.#nowMs);
    const last = next && useless.find(givesWayTo(next.party, this.#places));
    if (!last) return;
    this.#turnoverMs = this.#nowMs;
    this.#putAside(last);
    this.#place(next);
  }

  /** Sets aside a peer, to be tried again later. */
  #putAside(idle: Candidate<Address>): void {
    const { address, party, listed } = idle;
    idle.listed = false;
    this.#close(idle, 'set-aside');
    this.#setAside.set(address.peerId, this.#nowMs);
    const [oldest] = this.#setAside.keys();
    if (this.#setAside.size > MAX_CANDIDATES && oldest) this.#setAside.delete(oldest);
    if (listed) this.#spare.put({ address, party });
  }

  /** All places are taken, and most peers do not answer or wait to be dialed, or none sends what was requested. */
  #widenIfIdle(): void {
    if (this.#candidates.size < MAX_LINKS || this.#nowMs - this.#widenedMs < WIDEN_AGAIN_MS) return;
    const idle = findIdle(this.#candidates.values(), this.#nowMs);
    const waiting = findWaiting(this.#candidates.values(), this.#nowMs);
    if (idle.length + waiting.length < MAX_LINKS / 2 && !idle.some(({ ready }) => ready)) return;
    this.#widenedMs = this.#nowMs;
    this.#effects.push({ type: 'widen' });
  }

  #shun(address: Address): void {
    if (this.#shunned.size < MAX_LINKS) this.#shunned.set(address.peerId, address);
  }

  #open(candidate: Candidate<Address>): void {
    candidate.linked = true;
    this.#effects.push({ type: 'open', address: candidate.address });
  }

  #close(candidate: Candidate<Address>, reason: CloseReason): void {
    if (candidate.linked) this.#effects.push({ type: 'close', peer: candidate.address.peerId, reason });
    this.#lost(candidate);
  }

  #lost(candidate: Candidate<Address>, retryAfterMs?: number): void {
    if (candidate.ready) candidate.sinceMs = this.#nowMs;
    candidate.askedMs = undefined;
    candidate.linked = false;
    candidate.ready = false;
    // It may not be dialed at all: it had its turn.
    candidate.dialed = true;
    candidate.retryMs = this.#nowMs + retryWaitMs(candidate.backoff.next(), retryAfterMs, this.parts.random);
    this.#dropIfDone(candidate);
  }

  /** Forgets a peer that is no longer listed, or is banned. */
  #dropIfDone(candidate: Candidate<Address>): void {
    const peer = candidate.address.peerId;
    const banned = this.parts.isBanned(peer);
    if (candidate.linked || (candidate.listed && !banned)) return;
    if (candidate.listed && banned) this.#shun(candidate.address);
    this.#candidates.delete(peer);
  }
}

/** Peers of a party with few places do not give way to one of a party with more. */
function givesWayTo(
  party: string,
  counts: ReadonlyMap<string, number>,
): (link: { readonly party: string }) => boolean {
  const held = counts.get(party) ?? 0;
  return (link) => (counts.get(link.party) ?? 0) >= held;
}

function endpointsOf({ endpoint, endpoints = [endpoint] }: CandidateAddress): string {
  return endpoints.join(' ');
}
