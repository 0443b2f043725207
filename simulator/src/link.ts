import { Bitfield } from '@enjambre/core/bitfield';
import type { BlockRef } from '@enjambre/peer-agent/domain/engine/messages';
import type { Part } from '@enjambre/peer-agent/domain/upload/messages';
import { Fifo } from './fifo.js';
import type { Host } from './host.js';

/** A block on its way to answer a request. */
export type Sending = Part & { readonly id: number };

/** A request as its downloader keeps it until the answer comes. */
export interface Owed {
  /** Undefined if the uploader chooses. */
  readonly ref: BlockRef | undefined;
  readonly askedMs: number;
  cancelled: boolean;
}

/** The streams over which one host downloads from another. Each end knows its own half of the state. */
export class Link {
  /** The downloader's end: requests without an answer, the oldest first. */
  readonly owed = new Map<number, Owed>();
  /** Over, as the downloader sees it. */
  closed = false;
  /** The uploader's end: between hello and end of the streams. */
  served = false;
  /** What the uploader has been told that the downloader has. */
  told: Bitfield;
  /** Blocks whose turn came, not yet sent: at most what the upload limits let a stream have in memory. */
  readonly sending = new Fifo<Sending>();
  /** Stands in the uplink's line, or waits for room in the downlink. */
  lined = false;
  /** Has stood aside for others since its last block: it is its turn. */
  hasWaited = false;

  constructor(
    readonly downloader: Host,
    readonly uploader: Host,
    pieceCount: number,
  ) {
    this.told = Bitfield.empty(pieceCount);
  }
}
