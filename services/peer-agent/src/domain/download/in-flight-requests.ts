import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import { isLower } from '../limits/byte-bucket.js';
import { beyond, type Asked } from './beyond-limit.js';
import { memoryOf, type BudgetShare } from './outstanding-budget.js';
import type { PendingRequest } from './peer-requests.js';
import type { PeerState } from './peer-state.js';

/**
 * Accounts for the requests of a download, for named blocks and blocks of the peer's choice: the bytes still wanted, as
 * {@link memoryOf} counts them, and the use of the download's rate.
 */
export class InFlightRequests {
  #inFlightBytes = 0;
  /** The limit at the last check. */
  #ceiling: number;

  constructor(private readonly budget: BudgetShare) {
    this.#ceiling = budget.ceiling;
  }

  /** Bytes requested of all peers and still wanted: read too often to be summed each time. */
  get bytes(): number {
    return this.#inFlightBytes;
  }

  /** Records a request sent now, and returns its id. Without `ref`, the peer chooses the block. */
  ask(peer: PeerState, { ref, bytes }: { ref?: BlockRef; bytes: number }, nowMs: number): number {
    this.#inFlightBytes += memoryOf(bytes);
    this.budget.asked(bytes);
    return peer.requested(ref, bytes, nowMs);
  }

  /**
   * The block of a request arrived, with this many bytes: a request of the peer's choice is booked with the longest
   * block length.
   */
  arrived(peer: PeerState, request: PendingRequest, bytes: number): void {
    this.#answered(peer, request.id);
    this.budget.arrived(bytes);
    if (bytes < request.bytes) this.budget.returned(request.bytes - bytes);
  }

  /** The block of a request will not come. Undefined if there is no such request. */
  rejected(peer: PeerState, id: number): PendingRequest | undefined {
    const request = this.#answered(peer, id);
    if (request) this.budget.returned(request.bytes);
    return request;
  }

  /** The answer is no longer wanted, but may still come. False if the request is already cancelled. */
  cancel(peer: PeerState, request: PendingRequest): boolean {
    if (!peer.cancelled(request)) return false;
    this.#inFlightBytes -= memoryOf(request.bytes);
    return true;
  }

  /**
   * If the limit has been lowered since the last call: the requests to withdraw, so that their blocks do not exceed it.
   * These are all except what the limit lets through in `seconds`.
   */
  beyondLimit(peers: ReadonlyMap<PeerId, PeerState>, seconds: number): readonly Asked[] {
    const { ceiling } = this.budget;
    const isLess = isLower(ceiling, this.#ceiling);
    this.#ceiling = ceiling;
    return isLess ? beyond(peers.values(), ceiling * seconds) : [];
  }

  /** The peer has left: none of its blocks will come. */
  left(peer: PeerState): void {
    for (const { bytes } of peer.requests.values()) this.budget.returned(bytes);
  }

  #answered(peer: PeerState, id: number): PendingRequest | undefined {
    const request = peer.answered(id);
    if (request && !request.cancelled) this.#inFlightBytes -= memoryOf(request.bytes);
    return request;
  }
}
