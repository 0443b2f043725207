// Three numberings meet in an inbox:
//
//   stream    1 2 3 4 5 6 7 …   StreamSeq: the place in the stream, in which all receivers' copies lie mixed.
//                               It begins again when the stream is deleted and made again.
//   consumer    1   2     3     ConsumerSeq: counts what one consumer has given out. It begins again with each
//                               consumer that is made. A number left out is a delivery lost on its way.
//   delivery    B+2 B+4   B+7   DeliveryId: what the receiver acknowledges. It is the place in the stream plus a base
//                               that is higher for each new stream, so that it never goes backwards.

declare const numbering: unique symbol;

export type StreamSeq = number & { readonly [numbering]: 'stream' };
export type ConsumerSeq = number & { readonly [numbering]: 'consumer' };
/** The `id` of a `Delivery`; 0 stands before all of them. */
export type DeliveryId = number;
/** What a stream adds to its places to make delivery ids. */
export type IdBase = number;

/** Before the first place. */
export const BEFORE_ALL = 0 as StreamSeq;

export function toDeliveryId(base: IdBase, seq: StreamSeq): DeliveryId {
  return base + seq;
}

/** The place of a delivery. An id of an earlier stream gives one before all. */
export function toStreamSeq(base: IdBase, id: DeliveryId): StreamSeq {
  return Math.max(BEFORE_ALL, id - base) as StreamSeq;
}

export function latest(...places: readonly StreamSeq[]): StreamSeq {
  return Math.max(...places) as StreamSeq;
}

export function placeBefore(seq: StreamSeq): StreamSeq {
  return (seq - 1) as StreamSeq;
}

/** Notices by the numbers of a consumer that a delivery was lost. */
export class GapWatch {
  #last = 0;
  #hasGap = false;

  /** Something that the consumer gave has not come. */
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
