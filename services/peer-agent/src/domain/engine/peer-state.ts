import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import { RateMeter } from '../rate-meter.js';
import type { ActivePiece } from './active-piece.js';
import type { EngineConfig } from './config.js';
import type { BlockRef } from './messages.js';

/** A request that was sent and not answered. */
export interface PendingRequest {
  readonly id: number;
  readonly ref: BlockRef;
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
/** Ids are uint32 on the wire. */
const MAX_ID = 0xffff_ffff;

/** What the engine knows of one peer: what it has, how fast it is, what it owes us. */
export class PeerState {
  /** Unanswered requests by id. */
  readonly requests = new Map<number, PendingRequest>();
  /** Open pieces that this peer delivers whole, as long as it keeps up. */
  readonly owned = new Set<ActivePiece>();
  choked = false;
  /** It did not answer for long: it gets one request at a time until it does. */
  snubbed = false;
  /** Bytes of requests that are still wanted. */
  inFlightBytes = 0;
  /** Nothing was found for it at this generation of the engine's work. */
  idleSince = -1;
  /** How long a byte takes, smoothed over its last blocks; unlike the rate it stands while nothing is asked. */
  msPerByte = Infinity;
  #nextId = 1;
  #windowBytes: number;
  #slowStart = true;
  #lastCheckMs: number;
  #lastCheckRate = 0;
  /** The last block, or the first request after all was answered. */
  #heardMs: number;
  /** The last part of a block. */
  #partMs = -Infinity;
  readonly #meter = new RateMeter();

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

  /** Books a request that is sent now, and returns its id. */
  ask(ref: BlockRef, bytes: number, nowMs: number): number {
    if (this.inFlightBytes === 0) this.#heardMs = nowMs;
    const id = this.#nextId;
    this.#nextId = id === MAX_ID ? 1 : id + 1;
    const dueMs = nowMs + this.expectedWaitMs(bytes, nowMs);
    this.requests.set(id, { id, ref, bytes, askedMs: nowMs, dueMs, cancelled: false });
    this.inFlightBytes += bytes;
    return id;
  }

  /** The request for a block whose answer is still wanted. */
  pendingFor({ piece, block }: BlockRef): PendingRequest | undefined {
    for (const request of this.requests.values()) {
      if (!request.cancelled && request.ref.piece === piece && request.ref.block === block) return request;
    }
    return undefined;
  }

  /** Takes a request off the books when its answer came. Undefined if it was never asked. */
  answered(id: number): PendingRequest | undefined {
    const request = this.requests.get(id);
    if (!request) return undefined;
    this.requests.delete(id);
    if (!request.cancelled) this.inFlightBytes -= request.bytes;
    return request;
  }

  /** The answer is no longer needed. */
  cancel(request: PendingRequest): void {
    if (request.cancelled) return;
    request.cancelled = true;
    this.inFlightBytes -= request.bytes;
  }

  /** A part of a block came. */
  heard(nowMs: number): void {
    this.#partMs = nowMs;
  }

  /** A block came: the rate is measured and, in slow start, the window grows by as much. */
  received(bytes: number, nowMs: number): void {
    this.#meter.add(bytes, nowMs);
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
      this.#windowBytes = Math.max(this.config.initialWindowBytes, rate * this.config.queueSeconds);
    }
  }

  /** True if it owes us something and has been silent for too long. */
  isSilent(nowMs: number): boolean {
    const heardMs = Math.max(this.#heardMs, this.#partMs);
    return this.inFlightBytes > 0 && !this.snubbed && nowMs - heardMs >= this.config.snubMs;
  }

  #restart(nowMs: number): void {
    this.#slowStart = true;
    this.#windowBytes = this.config.initialWindowBytes;
    this.#lastCheckMs = nowMs;
    this.#lastCheckRate = 0;
  }
}
