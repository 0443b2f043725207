// Three numberings meet in an inbox:
//
//   stream    1 2 3 4 5 6 7 …   StreamSeq: the sequence in the stream, shared by the copies for all receivers.
//                               It restarts when the stream is deleted and recreated.
//   consumer    1   2     3     ConsumerSeq: counts the deliveries of one consumer. It restarts with each
//                               new consumer. A missing number is a delivery lost in transit.
//   delivery    B+2 B+4   B+7   DeliveryId: the id that the receiver acknowledges. It is the stream sequence plus
//                               a base that is higher for each new stream, so that it never decreases.

declare const numbering: unique symbol;

export type StreamSeq = number & { readonly [numbering]: 'stream' };
export type ConsumerSeq = number & { readonly [numbering]: 'consumer' };
/** The `id` of a `Delivery`; 0 precedes all ids. */
export type DeliveryId = number;
/** Offset from a stream's sequences to delivery ids. */
export type IdBase = number;

/** Before the first sequence. */
export const BEFORE_ALL = 0 as StreamSeq;

export function toDeliveryId(base: IdBase, seq: StreamSeq): DeliveryId {
  return base + seq;
}

/** The stream sequence of a delivery. An id of an earlier stream maps to {@link BEFORE_ALL}. */
export function toStreamSeq(base: IdBase, id: DeliveryId): StreamSeq {
  return Math.max(BEFORE_ALL, id - base) as StreamSeq;
}

export function latest(...places: readonly StreamSeq[]): StreamSeq {
  return Math.max(...places) as StreamSeq;
}

export function placeBefore(seq: StreamSeq): StreamSeq {
  return (seq - 1) as StreamSeq;
}

/** Detects lost deliveries by the numbers of a consumer. */
export class GapWatch {
  #last = 0;
  #hasGap = false;

  /** True if a delivery of the consumer is missing. */
  get hasGap(): boolean {
    return this.#hasGap;
  }

  note(seq: ConsumerSeq): void {
    this.#hasGap ||= seq !== this.#last + 1;
    this.#last = seq;
  }

  /** A new consumer counts from 1. */
  restart(): void {
    this.#last = 0;
    this.#hasGap = false;
  }
}
