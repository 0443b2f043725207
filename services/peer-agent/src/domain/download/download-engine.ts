import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef, RejectReason } from '../block.js';
import type { ActivePiece } from './picker/active-piece.js';
import { DEFAULT_ENGINE_CONFIG, type EngineConfig } from './config.js';
import type { EngineComponents } from './engine-components.js';
import { BottleneckGauge, type Bottleneck } from './bottleneck.js';
import { inTurn } from './in-turn.js';
import type { DownloadEffect, DownloadEvent } from './messages.js';
import { NearFirst, piecesOf } from './near-first.js';
import { nextRequest, type RequestChoice } from './next-request.js';
import { memoryOf, OutstandingBudget, type BudgetShare } from './outstanding-budget.js';
import type { PendingRequest } from './peer-requests.js';
import { countGivers, PeerState } from './peer-state.js';
import { PiecePicker } from './picker/piece-picker.js';
import { InFlightRequests } from './in-flight-requests.js';
import { relieve } from './parole.js';
import { findSlowSuperSeeder, findEndgameRequest } from './endgame.js';
import { verifyPiece } from './verify-piece.js';
import { SuperSeeders, endGiving, fits, noteChoice, takeChoice } from './super-seeding.js';

/**
 * Decides what to request from which peer, for one download. It takes events with their times and returns effects; it
 * does no I/O and reads no clock, so that the same code runs in an agent, in a test and in a simulator. Feed it `tick`
 * about ten times a second.
 *
 * Guarantees: a piece is `verified` once, only after all its blocks were stored and hash to the root in the metainfo;
 * bytes requested and not stored stay within its share of the budget; when a peer leaves, all its requests are freed.
 */
export class DownloadEngine {
  readonly #picker: PiecePicker;
  /** Inputs for choosing the next request of a peer. */
  readonly #requestChoice: RequestChoice;
  readonly #budget: BudgetShare;
  readonly #inFlight: InFlightRequests;
  readonly #config: EngineConfig;
  readonly #peers = new Map<PeerId, PeerState>();
  readonly #superSeeders: SuperSeeders;
  readonly #nearFirst: NearFirst | undefined;
  /** Number of links so far. */
  #links = 0;
  /** Bytes that have arrived and are not stored yet. */
  #storingBytes = 0;
  /** Peers with nothing to request; reviewed when there may be new work. */
  readonly #idle = new Set<PeerState>();
  #nowMs = 0;
  /** Index of the peer that is asked first under a limit. */
  #turn = 0;
  readonly #bottleneck = new BottleneckGauge();
  #effects: DownloadEffect[] = [];

  constructor(components: EngineComponents, config: Partial<EngineConfig> = {}) {
    const { layout, have, selected, random, budget, self } = components;
    this.#picker = new PiecePicker(layout, have, selected);
    this.#budget = budget ?? new OutstandingBudget().share();
    this.#inFlight = new InFlightRequests(this.#budget);
    this.#nearFirst = self && new NearFirst(self, piecesOf(layout));
    this.#superSeeders = new SuperSeeders((peer) => this.#nearFirst?.mayChoose(peer) ?? true);
    this.#config = { ...DEFAULT_ENGINE_CONFIG, ...config };
    const [picker, peers, superSeeders] = [this.#picker, this.#peers, this.#superSeeders];
    this.#requestChoice = { picker, peers, superSeeders, random, stealRatio: this.#config.stealRatio };
  }

  /** Pieces that are verified and on disk. Do not modify. */
  get have(): Bitfield {
    return this.#picker.have;
  }

  get isComplete(): boolean {
    return this.#picker.isComplete;
  }

  /** True if the peer is connected and has the piece. */
  readonly peerHas = (peer: PeerId, piece: number): boolean => this.#peers.get(peer)?.has.has(piece) ?? false;

  /** Bytes requested or arrived and not yet stored, as {@link memoryOf} counts them. */
  get outstandingBytes(): number {
    return this.#storingBytes + this.#inFlight.bytes;
  }

  /** What kept the download from requesting more since the last call. @param stalled no block arrived since */
  takeBottleneck(stalled: boolean): Bottleneck {
    if (this.#budget.isPaced && !this.#budget.mayAsk(this.#nowMs)) this.#bottleneck.rateIsFull();
    const [storingBytes, inFlightBytes] = [this.#storingBytes, this.#inFlight.bytes];
    const allAsked = this.#picker.wanted.isEmpty();
    return this.#bottleneck.take(this.#peers.values(), { storingBytes, inFlightBytes, allAsked, stalled });
  }

  /** Takes one event and returns what to do. `nowMs` never decreases. */
  handle(event: DownloadEvent, nowMs: number): DownloadEffect[] {
    this.#nowMs = nowMs;
    this.#effects = [];
    if (!this.isComplete) this.#dispatch(event);
    for (const asked of this.#inFlight.beyondLimit(this.#peers, this.#config.queueSeconds))
      this.#giveUp(asked);
    this.#budget.use(this.#peers.size > 0 && !this.isComplete, this.outstandingBytes);
    return this.#effects;
  }

  #dispatch(event: DownloadEvent): void {
    switch (event.type) {
      case 'source-joined':
        return this.#join(event);
      case 'source-left':
        return this.#leave(event.source);
      case 'block-stored':
        return this.#stored(event.ref, event.digest);
      case 'tick':
        return this.#tick();
      default:
        break;
    }
    const peer = this.#peers.get(event.source);
    if (!peer) return;
    switch (event.type) {
      case 'source-has':
        return this.#learn(peer, event.pieces);
      case 'source-choked':
        peer.choked();
        return this.#release(peer);
      case 'source-unchoked':
        peer.unchoked();
        return this.#fill(peer);
      case 'source-super-seeds':
        return event.on ? this.#letChoose(peer) : this.#stopChoosing(peer);
      case 'source-heard':
        return peer.heard(this.#nowMs);
      case 'block-arrived':
        return this.#arrived(peer, event.id, event.ref);
      case 'block-rejected':
        return this.#rejected(peer, event.id, event.reason);
    }
  }

  #join({ source: id, has, distance = 'unknown' }: Extract<DownloadEvent, { type: 'source-joined' }>): void {
    this.#leave(id);
    const peer = new PeerState(id, has, this.#config, this.#nowMs);
    peer.link = ++this.#links;
    this.#peers.set(id, peer);
    this.#nearFirst?.joined(peer, distance, this.#nowMs);
    for (const piece of has.indexes()) this.#picker.availability.add(piece, 1);
    this.#fill(peer);
  }

  #leave(id: PeerId): void {
    const peer = this.#peers.get(id);
    if (!peer) return;
    this.#peers.delete(id);
    for (const piece of peer.has.indexes()) this.#picker.availability.add(piece, -1);
    this.#nearFirst?.left(peer);
    this.#inFlight.left(peer);
    this.#release(peer);
    this.#idle.delete(peer);
    this.#superSeeders.review(this.#peers);
    this.#fillAll();
  }

  #learn(peer: PeerState, pieces: readonly number[]): void {
    let mayServe = false;
    for (const piece of pieces) {
      if (!peer.learnt(piece)) continue;
      this.#picker.availability.add(piece, 1);
      this.#nearFirst?.learnt(peer, piece, this.#nowMs);
      mayServe ||= this.#picker.lacks(piece);
    }
    // The most frequent message in a large swarm, and often irrelevant.
    if (mayServe) this.#wake(peer);
  }

  #wake(peer: PeerState): void {
    this.#idle.delete(peer);
    this.#fill(peer);
  }

  #arrived(peer: PeerState, id: number, ref: BlockRef): void {
    // A wrongly answered request stays in flight: it is freed when the peer leaves.
    const request = peer.requests.get(id);
    if (!request || !fits(request, ref))
      return this.#emit(violation(peer, `sent block ${ref.block} of piece ${ref.piece} without a request`));
    const bytes = this.#picker.blockBytes(ref);
    this.#inFlight.arrived(peer, request, bytes);
    peer.received(bytes, this.#nowMs, request.askedMs);
    this.#nearFirst?.received(peer, bytes, this.#nowMs);
    const isChoice = !request.ref && !request.cancelled;
    if (isChoice) this.#idle.delete(peer);
    if (isChoice) takeChoice(this.#picker, peer, ref.piece);
    const block = request.cancelled ? this.#picker.lateBlock(ref) : this.#picker.block(ref);
    const useful = block !== undefined && block.sender === undefined;
    if (useful) {
      block.sender = peer.id;
      block.link = peer.link;
      this.#cancelAll(block.askedOf, ref);
      block.askedOf.length = 0;
      this.#storingBytes += memoryOf(bytes);
    }
    this.#emit({ type: useful ? 'store' : 'discard', ref });
    if (isChoice && !noteChoice(this.#picker, peer, { piece: ref.piece, useful }))
      return this.#stopChoosing(peer);
    this.#fill(peer);
  }

  /**
   * From now on the peer chooses what it sends. Only a peer that has all pieces can choose well, and no peer knows which
   * pieces are selected.
   */
  #letChoose(peer: PeerState): void {
    if (!this.#picker.isWhole || !peer.has.isFull()) return;
    this.#nearFirst?.superSeeds(peer, true);
    peer.startedSuperSeeding();
    this.#superSeeders.review(this.#peers);
    this.#wake(peer);
  }

  /** Blocks are requested from the peer by name again; those of its started pieces may be requested from others too. */
  #stopChoosing(peer: PeerState): void {
    this.#nearFirst?.superSeeds(peer, false);
    peer.stoppedSuperSeeding();
    this.#superSeeders.review(this.#peers);
    for (const request of peer.requests.values()) if (!request.ref) this.#cancel(peer, request);
    endGiving(this.#picker, peer);
    this.#idle.clear();
    this.#fillAll();
  }

  /** Cancels the block at all other peers that were asked for it. */
  #cancelAll(askedOf: readonly PeerId[], ref: BlockRef): void {
    for (const id of askedOf) {
      const peer = this.#peers.get(id);
      const request = peer?.pendingFor(ref);
      if (peer && request) this.#cancel(peer, request);
    }
  }

  #cancel(peer: PeerState, request: PendingRequest): void {
    if (!this.#inFlight.cancel(peer, request)) return;
    if (!request.ref) this.#idle.delete(peer);
    if (this.#peers.has(peer.id)) this.#emit({ type: 'cancel', source: peer.id, id: request.id });
  }

  #rejected(peer: PeerState, id: number, reason: RejectReason): void {
    const request = this.#inFlight.rejected(peer, id);
    if (!request) return this.#emit(violation(peer, 'rejected a request that was never made'));
    if (request.cancelled) return;
    const { ref } = request;
    if (ref) this.#unask(peer, ref);
    else this.#idle.delete(peer);
    if (reason === 'choked') peer.choked();
    else if (ref) this.#lost(peer, ref.piece);
    else if (peer.classIsEmpty) return this.#stopChoosing(peer);
    else peer.classEmptied();
    this.#fillAll();
  }

  /** The peer does not have the piece after all. */
  #lost(peer: PeerState, index: number): void {
    const had = peer.lost(index);
    if (had) this.#picker.availability.add(index, -1);
    if (had) this.#nearFirst?.lost(peer, index);
    const piece = this.#picker.active.get(index);
    if (piece && peer.unassigned(piece)) this.#picker.orphan(piece);
  }

  #stored(ref: BlockRef, digest: Buffer | undefined): void {
    this.#storingBytes -= memoryOf(this.#picker.blockBytes(ref));
    const piece = this.#picker.active.get(ref.piece);
    if (!digest && this.#picker.lost(ref)) this.#idle.clear();
    else if (digest && piece?.store(ref.block, digest)) this.#verify(piece);
    if (this.isComplete) this.#emit({ type: 'complete' });
    else this.#fillAll();
  }

  #verify(piece: ActivePiece): void {
    const { isRight, culprits } = verifyPiece(this.#picker, piece, this.#links);
    this.#emit({ type: isRight ? 'verified' : 'failed', piece: piece.index });
    if (!isRight) this.#idle.clear();
    for (const culprit of culprits) this.#ban(culprit, piece.index);
  }

  #ban(id: PeerId, piece: number): void {
    this.#emit({ type: 'ban', source: id, piece, reason: `sent bytes that do not belong to piece ${piece}` });
    this.#leave(id);
  }

  /** Frees all requests and pieces of a peer; a peer that stays receives cancels. */
  #release(peer: PeerState): void {
    for (const request of peer.requests.values()) this.#giveUp({ peer, request });
    for (const piece of peer.unassignedAll()) this.#picker.orphan(piece);
    endGiving(this.#picker, peer);
    this.#idle.clear();
  }

  /** Cancels a request; other peers may answer it. */
  #giveUp({ peer, request }: { peer: PeerState; request: PendingRequest }): void {
    if (request.cancelled) return;
    this.#cancel(peer, request);
    if (request.ref) this.#unask(peer, request.ref);
  }

  /** The peer will not send the block; other peers may. */
  #unask(peer: PeerState, ref: BlockRef): void {
    const piece = this.#picker.active.get(ref.piece);
    if (!piece) return;
    this.#picker.unask(ref, peer.id);
    this.#picker.orphan(piece);
    this.#idle.clear();
  }

  #tick(): void {
    for (const peer of this.#peers.values()) {
      peer.tick(this.#nowMs);
      if (!peer.isSilent(this.#nowMs)) continue;
      peer.snubbed();
      this.#release(peer);
    }
    // Fitness may have changed: no peer stays idle for good.
    if (relieve(this.#picker, this.#peers, this.#config.stealRatio)) this.#idle.clear();
    if (this.#nearFirst?.review(this.#picker.wanted, this.#nowMs)) {
      for (const peer of this.#idle) if (peer.isFar) this.#idle.delete(peer);
      this.#superSeeders.review(this.#peers);
    }
    this.#fillAll();
    for (const peer of this.#peers.values()) this.#repeatLate(peer);
  }

  #fillAll(): void {
    const peers = this.#budget.isPaced ? inTurn(this.#peers.values(), this.#turn++) : this.#peers.values();
    for (const peer of peers) this.#fill(peer);
  }

  /** Requests as much of a peer as its window and the bound on outstanding bytes allow. */
  #fill(peer: PeerState): void {
    // Computing the cap visits all peers: too expensive if the peer's window is full anyway.
    if (this.#idle.has(peer) || peer.room(Infinity) <= 0) return;
    const capBytes = this.#capBytes();
    while (peer.room(capBytes) > 0 && this.outstandingBytes < this.#budget.limitBytes) {
      if (!this.#budget.mayAsk(this.#nowMs)) return this.#bottleneck.rateIsFull();
      if (!this.#askNext(peer)) return void this.#idle.add(peer);
    }
    if (this.outstandingBytes >= this.#budget.limitBytes) this.#bottleneck.budgetIsFull();
  }

  /** False if there is nothing to request of the peer. */
  #askNext(peer: PeerState): boolean {
    const what = nextRequest(peer, this.#requestChoice, this.#nearFirst?.admission(peer, this.#nowMs));
    if (what === 'any') this.#askAny(peer);
    else if (what) this.#ask(peer, what);
    return what !== undefined;
  }

  /** Repeats requests of slow or late peers, as far as this one has room. */
  #repeatLate(peer: PeerState): void {
    if (!this.#idle.has(peer) || peer.isSnubbed || !this.#budget.mayAsk(this.#nowMs)) return;
    const judge = { config: this.#config, nowMs: this.#nowMs };
    const slow = findSlowSuperSeeder(this.#picker, this.#peers, peer, judge);
    if (slow) return this.#stopChoosing(slow);
    const capBytes = this.#capBytes();
    while (peer.room(capBytes) > 0 && this.#budget.mayAsk(this.#nowMs)) {
      const found = findEndgameRequest(this.#picker, this.#peers, peer, judge);
      if (!found) return;
      const { owner, request, kind } = found;
      // Without room for a second answer, the first request is cancelled.
      if (kind === 'steal' || this.outstandingBytes >= this.#budget.limitBytes) {
        this.#cancel(owner, request);
        this.#picker.unask(request.ref, owner.id);
      }
      this.#ask(peer, request.ref);
    }
  }

  /** Requests a block of the peer's choice. */
  #askAny(peer: PeerState): void {
    const id = this.#inFlight.ask(peer, { bytes: this.#picker.layout.longestBlock }, this.#nowMs);
    this.#emit({ type: 'request-any', source: peer.id, id, ...this.#superSeeders.classOf(peer) });
  }

  #ask(peer: PeerState, ref: BlockRef): void {
    const id = this.#inFlight.ask(peer, { ref, bytes: this.#picker.blockBytes(ref) }, this.#nowMs);
    this.#picker.block(ref)?.askedOf.push(peer.id);
    this.#emit({ type: 'request', source: peer.id, id, ref });
  }

  /** A peer's share of the outstanding bytes, so that no peer with something to give is starved. */
  #capBytes(): number {
    return this.#budget.limitBytes / Math.max(1, countGivers(this.#peers.values(), this.#idle));
  }

  #emit(effect: DownloadEffect): void {
    this.#effects.push(effect);
  }
}

function violation({ id }: PeerState, reason: string): DownloadEffect {
  return { type: 'violation', source: id, reason };
}
