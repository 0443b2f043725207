import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import { RateMeter } from '../rate-meter.js';
import type { ActivePiece } from './picker/active-piece.js';
import type { EngineConfig } from './config.js';

/** A request that was sent and not answered. */
export interface PendingRequest {
  readonly id: number;
  /** Undefined if the peer chooses. */
  readonly ref: BlockRef | undefined;
  readonly bytes: number;
  readonly askedMs: number;
  /** When the peer's rate promises the answer. */
  readonly dueMs: number;
  /** Still to be answered, but no longer needed. */
  cancelled: boolean;
}

/** A rate that grew by less than this in half a second is as high as it gets. */
const SLOW_START_GROWTH = 1.15;
const SLOW_START_CHECK_MS = 500;
/** Cancelled requests count too: a peer that answers none of them is asked no more (peer.proto allows no more). */
const MAX_UNANSWERED = 2048;
/** How much the newest block says of how long a byte takes. */
const NEWEST_WEIGHT = 0.3;
/** A gigabyte a second: whoever is faster is fast enough. */
const MIN_MS_PER_BYTE = 1e-6;
/** No way is longer: an answer that took more was held back. */
const MAX_TRIP_MS = 500;
/** Ids are uint32 on the wire. */
const MAX_ID = 0xffff_ffff;

/** What the engine knows of one peer: what it has, how fast it is, what it owes us. */
export class PeerState {
  /** Unanswered requests by id. */
  readonly requests = new Map<number, PendingRequest>();
  /** Open pieces that this peer delivers whole, as long as it keeps up. */
  readonly owned = new Set<ActivePiece>();
  /** Pieces that it sends by its own choice, block by block. */
  readonly given = new Set<ActivePiece>();
  choked = false;
  /** It chooses what it sends. */
  superSeeds = false;
  /** It has nothing to choose from of the pieces that are left to it: it may choose among all. */
  classIsEmpty = false;
  /** Answers in a row to requests of its choice that were of no use. */
  uselessChoices = 0;
  /** Requests that are still wanted, of its choice and for blocks that were named. */
  anyRequests = 0;
  namedRequests = 0;
  /** It did not answer for long: it gets one request at a time until it does. */
  snubbed = false;
  /** Bytes of requests that are still wanted. */
  inFlightBytes = 0;
  /** How long a byte takes, smoothed over its last blocks; unlike the rate it stands while nothing is asked. */
  msPerByte = Infinity;
  #nextId = 1;
  #windowBytes: number;
  #slowStart = true;
  #lastCheckMs: number;
  #lastCheckRate = 0;
  /** The last block, or the first request after all was answered. */
  #heardMs: number;
  /** The least time from a request to its block: what the way takes, without a queue. */
  #leastAnswerMs = Infinity;
  /** The last part of a block. */
  #partMs = -Infinity;
  readonly #meter = new RateMeter();

  /** In our zone. */
  isNear = false;
  /** In another zone. Of one that is neither it is not known. */
  isFar = false;

  constructor(
    readonly id: PeerId,
    readonly has: Bitfield,
    private readonly config: EngineConfig,
    nowMs: number,
  ) {
    this.#windowBytes = config.initialWindowBytes;
    this.#lastCheckMs = nowMs;
    this.#heardMs = nowMs;
  }

  /** False until the first part of a block came. */
  get hasSent(): boolean {
    return Number.isFinite(this.msPerByte) || Number.isFinite(this.#partMs);
  }

  /** Bytes a second at present. */
  rate(nowMs: number): number {
    return this.#meter.rate(nowMs);
  }

  /** How many more bytes may be asked for, at most `capBytes` in flight. */
  room(capBytes: number): number {
    if (this.choked || this.requests.size >= MAX_UNANSWERED) return 0;
    const window = this.snubbed ? 1 : Math.min(this.#windowBytes, capBytes);
    return window - this.inFlightBytes;
  }

  /** Milliseconds until this peer would answer `bytes` asked for now, by its rate. */
  expectedWaitMs(bytes: number, nowMs: number): number {
    const rate = this.rate(nowMs);
    if (rate < 1) return this.config.unknownWaitMs;
    return ((this.inFlightBytes + bytes) * 1000) / rate;
  }

  /** Books a request that is sent now, for a block or for one of its choice, and returns its id. */
  ask(ref: BlockRef | undefined, bytes: number, nowMs: number): number {
    if (this.inFlightBytes === 0) this.#heardMs = nowMs;
    const id = this.#nextId;
    this.#nextId = id === MAX_ID ? 1 : id + 1;
    const dueMs = nowMs + this.expectedWaitMs(bytes, nowMs);
    this.requests.set(id, { id, ref, bytes, askedMs: nowMs, dueMs, cancelled: false });
    this.inFlightBytes += bytes;
    if (ref) this.namedRequests += 1;
    else this.anyRequests += 1;
    return id;
  }

  /** The request for a block whose answer is still wanted. */
  pendingFor({ piece, block }: BlockRef): PendingRequest | undefined {
    for (const request of this.requests.values()) {
      if (!request.cancelled && request.ref?.piece === piece && request.ref.block === block) return request;
    }
    return undefined;
  }

  /** Takes a request off the books when its answer came. Undefined if it was never asked. */
  answered(id: number): PendingRequest | undefined {
    const request = this.requests.get(id);
    if (!request) return undefined;
    this.requests.delete(id);
    if (!request.cancelled) this.#forget(request);
    return request;
  }

  /** The answer is no longer needed. */
  cancel(request: PendingRequest): void {
    if (request.cancelled) return;
    request.cancelled = true;
    this.#forget(request);
  }

  /** A part of a block came. */
  heard(nowMs: number): void {
    this.#partMs = nowMs;
  }

  /** A block came that was asked for at `askedMs`: the rate is measured and, in slow start, the window grows by as much. */
  received(bytes: number, nowMs: number, askedMs = -Infinity): void {
    this.#meter.add(bytes, nowMs);
    this.#leastAnswerMs = Math.min(this.#leastAnswerMs, nowMs - askedMs);
    const took = Math.max(MIN_MS_PER_BYTE, (nowMs - this.#heardMs) / bytes);
    const known = Number.isFinite(this.msPerByte);
    this.msPerByte = known ? this.msPerByte + NEWEST_WEIGHT * (took - this.msPerByte) : took;
    this.#heardMs = nowMs;
    if (this.snubbed) {
      this.snubbed = false;
      this.#restart(nowMs);
    }
    if (this.#slowStart) this.#windowBytes += bytes;
  }

  /** Sizes the window by what was measured. */
  tick(nowMs: number): void {
    const rate = this.rate(nowMs);
    if (this.#slowStart && nowMs - this.#lastCheckMs >= SLOW_START_CHECK_MS && rate > 0) {
      if (rate < this.#lastCheckRate * SLOW_START_GROWTH) this.#slowStart = false;
      this.#lastCheckMs = nowMs;
      this.#lastCheckRate = rate;
    }
    if (!this.#slowStart) {
      const tripMs = Number.isFinite(this.#leastAnswerMs) ? Math.min(this.#leastAnswerMs, MAX_TRIP_MS) : 0;
      const seconds = Math.max(this.config.queueSeconds, (2 * tripMs) / 1000);
      this.#windowBytes = Math.max(this.config.initialWindowBytes, rate * seconds);
    }
  }

  /**
   * True if it owes us something and has been silent for too long. What is left to its
   * choice may be held back for long, unless it has begun a piece.
   */
  isSilent(nowMs: number): boolean {
    const owes = this.namedRequests > 0 || (this.anyRequests > 0 && this.given.size > 0);
    const heardMs = Math.max(this.#heardMs, this.#partMs);
    return owes && !this.snubbed && nowMs - heardMs >= this.config.snubMs;
  }

  #forget({ bytes, ref }: PendingRequest): void {
    this.inFlightBytes -= bytes;
    if (ref) this.namedRequests -= 1;
    else this.anyRequests -= 1;
  }

  #restart(nowMs: number): void {
    this.#slowStart = true;
    this.#windowBytes = this.config.initialWindowBytes;
    this.#lastCheckMs = nowMs;
    this.#lastCheckRate = 0;
  }
}

/** How many of them may give something: they are asked for something, or were not found to have nothing. */
export function countGivers(peers: Iterable<PeerState>, idle: ReadonlySet<PeerState>): number {
  let givers = 0;
  for (const peer of peers) if (peer.inFlightBytes > 0 || (!peer.choked && !idle.has(peer))) givers += 1;
  return givers;
}
