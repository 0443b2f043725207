import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import { crossesZones, isNear, type Distance } from '@enjambre/core/locality';
import type { BlockRef } from '../block.js';
import { RateMeter } from '../rate-meter.js';
import type { EngineConfig } from './config.js';
import { PeerRequests, type PendingRequest } from './peer-requests.js';
import type { ActivePiece } from './picker/active-piece.js';
import { RequestWindow } from './request-window.js';

/** Includes cancelled requests: a peer that answers none of them gets no more (peer.proto allows no more). */
const MAX_UNANSWERED = 2048;
/** Weight of the newest block in the smoothed time per byte. */
const NEWEST_WEIGHT = 0.3;
/** One gigabyte per second: faster peers need no distinction. */
const MIN_MS_PER_BYTE = 1e-6;

/**
 * The engine's state of one peer: its pieces, its speed, and its open requests. The whole engine reads its fields; only
 * its methods change them, and each method reports one event.
 */
export class PeerState {
  /** The number of its link. */
  link = 0;
  readonly #requests = new PeerRequests();
  readonly #window: RequestWindow;
  readonly #meter = new RateMeter();
  readonly #owned = new Set<ActivePiece>();
  readonly #given = new Set<ActivePiece>();
  #isChoked = false;
  #isSnubbed = false;
  #superSeeds = false;
  #classIsEmpty = false;
  #uselessChoices = 0;
  #isNear = false;
  #isFar = false;
  #msPerByte = Infinity;
  /** Time of the last block, or of the first request after everything was answered. */
  #heardMs: number;
  /** Time of the last part of a block. */
  #partMs = -Infinity;

  /** @param has kept up to date by {@link learnt} and {@link lost}; read-only for others */
  constructor(
    readonly id: PeerId,
    readonly has: Bitfield,
    private readonly config: EngineConfig,
    nowMs: number,
  ) {
    this.#window = new RequestWindow(config, nowMs);
    this.#heardMs = nowMs;
  }

  /** Unanswered requests by id. */
  get requests(): ReadonlyMap<number, PendingRequest> {
    return this.#requests.pending;
  }

  /** Bytes of requests that are still needed. */
  get inFlightBytes(): number {
    return this.#requests.bytes;
  }

  /** Number of requests for named blocks that are still needed. */
  get namedRequests(): number {
    return this.#requests.named;
  }

  /** Number of requests of its choice that are still needed. */
  get anyRequests(): number {
    return this.#requests.any;
  }

  /** Open pieces that this peer delivers whole, while it keeps up. */
  get owned(): ReadonlySet<ActivePiece> {
    return this.#owned;
  }

  /** Pieces that it sends by its own choice, block by block. */
  get given(): ReadonlySet<ActivePiece> {
    return this.#given;
  }

  get isChoked(): boolean {
    return this.#isChoked;
  }

  /** Silent for too long: it gets one request at a time until it answers. */
  get isSnubbed(): boolean {
    return this.#isSnubbed;
  }

  /** True if the peer chooses the blocks it sends. */
  get superSeeds(): boolean {
    return this.#superSeeds;
  }

  /** None of the pieces in its class is left to choose: it may choose among all. */
  get classIsEmpty(): boolean {
    return this.#classIsEmpty;
  }

  /** Consecutive useless blocks of its own choice. */
  get uselessChoices(): number {
    return this.#uselessChoices;
  }

  /** True if the peer is in our zone. */
  get isNear(): boolean {
    return this.#isNear;
  }

  /** True if the peer is in another zone. If neither is true, its zone is unknown. */
  get isFar(): boolean {
    return this.#isFar;
  }

  /** Time per byte, smoothed over its last blocks; unlike the rate, it does not decay while nothing is requested. */
  get msPerByte(): number {
    return this.#msPerByte;
  }

  /** False until the first part of a block arrives. */
  get hasSent(): boolean {
    return Number.isFinite(this.#msPerByte) || Number.isFinite(this.#partMs);
  }

  /** Current bytes per second. */
  rate(nowMs: number): number {
    return this.#meter.rate(nowMs);
  }

  /** How many more bytes may be requested, with at most `capBytes` in flight. */
  room(capBytes: number): number {
    if (this.#isChoked || this.requests.size >= MAX_UNANSWERED) return 0;
    const window = this.#isSnubbed ? 1 : Math.min(this.#window.bytes, capBytes);
    return window - this.inFlightBytes;
  }

  /** Milliseconds until this peer would answer a request for `bytes` sent now, by its rate. */
  expectedWaitMs(bytes: number, nowMs: number): number {
    const rate = this.rate(nowMs);
    if (rate < 1) return this.config.unknownWaitMs;
    return ((this.inFlightBytes + bytes) * 1000) / rate;
  }

  /**
   * True if the peer has open requests and has been silent for too long. Requests of its own choice may be held back
   * for long, unless it has started a piece.
   */
  isSilent(nowMs: number): boolean {
    const owes = this.namedRequests > 0 || (this.anyRequests > 0 && this.#given.size > 0);
    const heardMs = Math.max(this.#heardMs, this.#partMs);
    return owes && !this.#isSnubbed && nowMs - heardMs >= this.config.snubMs;
  }

  /** The open request for a block, if its answer is still needed. */
  pendingFor(ref: BlockRef): PendingRequest | undefined {
    return this.#requests.for(ref);
  }

  /** The distance to the peer became known. */
  located(distance: Distance): void {
    this.#isNear = isNear(distance);
    this.#isFar = crossesZones(distance);
  }

  /** The peer has one more piece. False if that was known. */
  learnt(piece: number): boolean {
    return this.has.set(piece);
  }

  /** The peer does not have a piece after all. False if that was known. */
  lost(piece: number): boolean {
    return this.has.clear(piece);
  }

  /** A request was sent, for a named block or one of its choice. Returns its id. */
  requested(ref: BlockRef | undefined, bytes: number, nowMs: number): number {
    if (this.inFlightBytes === 0) this.#heardMs = nowMs;
    const dueMs = nowMs + this.expectedWaitMs(bytes, nowMs);
    return this.#requests.sent({ ref, bytes, askedMs: nowMs, dueMs });
  }

  /** A request was answered. Undefined if there is no such request. */
  answered(id: number): PendingRequest | undefined {
    return this.#requests.answered(id);
  }

  /** The answer is no longer needed. False if it already was not. */
  cancelled(request: PendingRequest): boolean {
    return this.#requests.cancelled(request);
  }

  /** A part of a block arrived. */
  heard(nowMs: number): void {
    this.#partMs = nowMs;
  }

  /** A block requested at `askedMs` arrived: measures the rate; a snubbed peer restarts its window. */
  received(bytes: number, nowMs: number, askedMs = -Infinity): void {
    this.#meter.add(bytes, nowMs);
    const took = Math.max(MIN_MS_PER_BYTE, (nowMs - this.#heardMs) / bytes);
    const known = Number.isFinite(this.#msPerByte);
    this.#msPerByte = known ? this.#msPerByte + NEWEST_WEIGHT * (took - this.#msPerByte) : took;
    this.#heardMs = nowMs;
    if (this.#isSnubbed) this.#window.restart(nowMs);
    this.#isSnubbed = false;
    this.#window.received(bytes, nowMs - askedMs);
  }

  choked(): void {
    this.#isChoked = true;
  }

  unchoked(): void {
    this.#isChoked = false;
  }

  /** The peer did not answer in time. */
  snubbed(): void {
    this.#isSnubbed = true;
  }

  startedSuperSeeding(): void {
    this.#superSeeds = true;
  }

  stoppedSuperSeeding(): void {
    this.#superSeeds = false;
  }

  /** The peer found nothing to choose from in its class. */
  classEmptied(): void {
    this.#classIsEmpty = true;
  }

  /** The peer may have another class, or others have left pieces of it. */
  classChanged(): void {
    this.#classIsEmpty = false;
  }

  /** The peer answered a request of its choice. */
  chose(useful: boolean): void {
    this.#uselessChoices = useful ? 0 : this.#uselessChoices + 1;
  }

  /** A piece is assigned to this peer as a whole. */
  assigned(piece: ActivePiece): void {
    this.#owned.add(piece);
  }

  /** A piece is no longer assigned to the peer. False if it was not. */
  unassigned(piece: ActivePiece): boolean {
    return this.#owned.delete(piece);
  }

  /** The peer sent the first block of a piece of its choice. */
  startedGiving(piece: ActivePiece): void {
    this.#given.add(piece);
  }

  /** Every block of the piece has been requested or received. */
  finishedGiving(piece: ActivePiece): void {
    this.#given.delete(piece);
  }

  /** Unassigns all pieces of the peer. Returns them. */
  unassignedAll(): readonly ActivePiece[] {
    return takeAll(this.#owned);
  }

  /** The peer sends no more blocks by its choice. Returns the pieces that it had started. */
  stoppedGiving(): readonly ActivePiece[] {
    return takeAll(this.#given);
  }

  /** Sizes the window by the measured rate. */
  tick(nowMs: number): void {
    this.#window.tick(this.rate(nowMs), nowMs);
  }
}

function takeAll(pieces: Set<ActivePiece>): readonly ActivePiece[] {
  const taken = [...pieces];
  pieces.clear();
  return taken;
}

/** Number of peers that may give something: they have requests in flight, or were not found to have nothing. */
export function countGivers(peers: Iterable<PeerState>, idle: ReadonlySet<PeerState>): number {
  let givers = 0;
  for (const peer of peers) if (peer.inFlightBytes > 0 || (!peer.isChoked && !idle.has(peer))) givers += 1;
  return givers;
}
