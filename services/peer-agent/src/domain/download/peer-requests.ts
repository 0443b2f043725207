import type { BlockRef } from '../block.js';

/** A request that was sent and not answered. */
export interface PendingRequest {
  readonly id: number;
  /** Undefined if the peer chooses. */
  readonly ref: BlockRef | undefined;
  readonly bytes: number;
  readonly askedMs: number;
  /** When the answer is due, by the peer's rate. */
  readonly dueMs: number;
  /** Not answered yet, but no longer needed. */
  readonly cancelled: boolean;
}

/** Ids are uint32 on the wire. */
const MAX_ID = 0xffff_ffff;

/**
 * The unanswered requests of one peer. The counts cover exactly the requests that are neither answered nor cancelled,
 * so they are never negative.
 */
export class PeerRequests {
  readonly #pending = new Map<number, { -readonly [Field in keyof PendingRequest]: PendingRequest[Field] }>();
  #nextId = 1;
  #bytes = 0;
  #named = 0;
  #any = 0;

  /** Unanswered requests by id, cancelled ones included. */
  get pending(): ReadonlyMap<number, PendingRequest> {
    return this.#pending;
  }

  /** Bytes of the requests that are still needed. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Number of requests for named blocks that are still needed. */
  get named(): number {
    return this.#named;
  }

  /** Number of requests of the peer's choice that are still needed. */
  get any(): number {
    return this.#any;
  }

  /** A request was sent. Returns its id. */
  sent(request: Omit<PendingRequest, 'id' | 'cancelled'>): number {
    const id = this.#nextId;
    this.#nextId = id === MAX_ID ? 1 : id + 1;
    this.#pending.set(id, { ...request, id, cancelled: false });
    this.#count(request, 1);
    return id;
  }

  /** A request was answered. Undefined if there is no such request. */
  answered(id: number): PendingRequest | undefined {
    const request = this.#pending.get(id);
    if (!request) return undefined;
    this.#pending.delete(id);
    if (!request.cancelled) this.#count(request, -1);
    return request;
  }

  /** The answer is no longer needed. False if the request was already answered or cancelled. */
  cancelled({ id }: PendingRequest): boolean {
    const request = this.#pending.get(id);
    if (!request || request.cancelled) return false;
    request.cancelled = true;
    this.#count(request, -1);
    return true;
  }

  /** The request for a block, if its answer is still needed. */
  for({ piece, block }: BlockRef): PendingRequest | undefined {
    for (const request of this.#pending.values()) {
      if (!request.cancelled && request.ref?.piece === piece && request.ref.block === block) return request;
    }
    return undefined;
  }

  #count({ bytes, ref }: Pick<PendingRequest, 'bytes' | 'ref'>, by: 1 | -1): void {
    this.#bytes += by * bytes;
    if (ref) this.#named += by;
    else this.#any += by;
  }
}
