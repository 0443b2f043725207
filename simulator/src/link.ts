import { Bitfield } from '@enjambre/core/bitfield';
import type { BlockRef } from '@enjambre/peer-agent/domain/engine/messages';
import type { BlockPlace, ChosenBlocks } from '@enjambre/peer-agent/domain/upload/chosen-blocks';
import type { PieceClass } from '@enjambre/peer-agent/domain/upload/piece-class';
import type { SpreadMember } from '@enjambre/peer-agent/domain/upload/piece-spread';
import { Fifo } from './fifo.js';
import type { Host } from './host.js';

/** A block on its way to answer a request. */
export type Sending = BlockPlace & { readonly id: number };

/** A block that a downloader named, or leaves to the uploader's choice. */
export type Wanted = { readonly id: number; readonly length: number } & (
  BlockPlace | { readonly any: PieceClass }
);

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
  /** Its place among those whom the file is spread over, from the hello on. */
  seat: { readonly member: SpreadMember; readonly blocks: ChosenBlocks } | undefined;
  /** What was held back is looked at again soon. */
  waking = false;
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
