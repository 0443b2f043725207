import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import { isLower } from '../limits/byte-bucket.js';
import { beyond, type Asked } from './beyond-limit.js';
import { memoryOf, type BudgetShare } from './outstanding-budget.js';
import type { PendingRequest } from './peer-requests.js';
import type { PeerState } from './peer-state.js';

/**
 * Books what the peers of a download are asked for, be it by name or of their choice: the
 * bytes that are still wanted, as {@link memoryOf} counts them, and to the download's rate what it may ask for.
 */
export class InFlightRequests {
  #inFlightBytes = 0;
  /** The limit, as it was last seen. */
  #ceiling: number;

  constructor(private readonly budget: BudgetShare) {
    this.#ceiling = budget.ceiling;
  }

  /** What all peers together were asked for and is still wanted: too often needed to be summed up. */
  get bytes(): number {
    return this.#inFlightBytes;
  }

  /** Books a request that is sent now, and returns its id. What is left to the peer's choice has no `ref`. */
  ask(peer: PeerState, { ref, bytes }: { ref?: BlockRef; bytes: number }, nowMs: number): number {
    this.#inFlightBytes += memoryOf(bytes);
    this.budget.asked(bytes);
    return peer.requested(ref, bytes, nowMs);
  }

  /** Its block came, with so many bytes: what is left to a peer's choice is booked as the longest there is. */
  arrived(peer: PeerState, request: PendingRequest, bytes: number): void {
    this.#answered(peer, request.id);
    this.budget.arrived(bytes);
    if (bytes < request.bytes) this.budget.returned(request.bytes - bytes);
  }

  /** Its block does not come. Undefined if it was never asked for. */
  rejected(peer: PeerState, id: number): PendingRequest | undefined {
    const request = this.#answered(peer, id);
    if (request) this.budget.returned(request.bytes);
    return request;
  }

  /** Its answer is not wanted any more, but may come all the same. False if that is booked already. */
  cancel(peer: PeerState, request: PendingRequest): boolean {
    if (!peer.cancelled(request)) return false;
    this.#inFlightBytes -= memoryOf(request.bytes);
    return true;
  }

  /**
   * If the limit is lower than when this was last asked: what is to be withdrawn, so that it does not come in spite
   * of it. That is all but what it lets through in `seconds`.
   */
  beyondLimit(peers: ReadonlyMap<PeerId, PeerState>, seconds: number): readonly Asked[] {
    const { ceiling } = this.budget;
    const isLess = isLower(ceiling, this.#ceiling);
    this.#ceiling = ceiling;
    return isLess ? beyond(peers.values(), ceiling * seconds) : [];
  }

  /** The peer is gone: no block of it comes any more. */
  left(peer: PeerState): void {
    for (const { bytes } of peer.requests.values()) this.budget.returned(bytes);
  }

  #answered(peer: PeerState, id: number): PendingRequest | undefined {
    const request = peer.answered(id);
    if (request && !request.cancelled) this.#inFlightBytes -= memoryOf(request.bytes);
    return request;
  }
}
