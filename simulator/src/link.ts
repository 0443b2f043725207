import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef, RejectReason } from '@enjambre/peer-agent/domain/block';
import type { CandidateAddress, PeerChange } from '@enjambre/peer-agent/domain/links/messages';
import type { BlockRequest, Part } from '@enjambre/peer-agent/domain/upload/messages';
import { Fifo } from './fifo.js';
import type { HostSpec } from './scenario.js';

/** A block on its way to answer a request. */
export type Sending = Part & { readonly id: number };

/** A request, as its downloader keeps it until the answer arrives. */
export interface Owed {
  /** Undefined if the uploader chooses. */
  readonly ref: BlockRef | undefined;
  readonly askedMs: number;
  cancelled: boolean;
}

/** The streams over which one host downloads from another. Each end uses only its own half of the state. */
export class Link {
  /** Downloader's end: unanswered requests, oldest first. */
  readonly owed = new Map<number, Owed>();
  /** Downloader's end: the link is over. */
  closed = false;
  /** Uploader's end: true between the hello and the end of the streams. */
  served = false;
  /** Uploader's end: pieces that the downloader has announced. */
  told: Bitfield;
  /** Blocks to send next: at most what the upload limits allow a stream in memory. */
  readonly sending = new Fifo<Sending>();
  /** True if it is queued in the uplink, or waits for room in the downlink. */
  lined = false;
  /** True if it has waited for others since its last block, so that its turn comes next. */
  hasWaited = false;

  constructor(
    readonly downloader: Machine,
    readonly uploader: Machine,
    pieceCount: number,
  ) {
    this.told = Bitfield.empty(pieceCount);
  }
}

/** A delta from the tracker. */
export type PeerNews = PeerChange<CandidateAddress>;

/** Events for the downloader of a link. */
interface DownloadingEnd {
  /** The uploader's hello and bitfield arrived. */
  ready(link: Link, has: Bitfield): void;
  has(link: Link, pieces: readonly number[]): void;
  choked(link: Link, choked: boolean): void;
  superSeeds(link: Link, on: boolean): void;
  /** All bytes of a block arrived. */
  arrived(link: Link, sending: Sending): void;
  rejected(link: Link, id: number, reason: RejectReason): void;
  /** The uploader died. */
  lost(link: Link): void;
  update(news: PeerNews): void;
}

/** Events for the uploader of a link. */
interface UploadingEnd {
  /** The hello of a downloader arrived, with its bitfield. */
  accept(link: Link): void;
  /** The downloader's streams ended. */
  close(link: Link): void;
  request(link: Link, request: BlockRequest): void;
  cancel(link: Link, id: number): void;
  /** The uplink has sent a block. */
  sent(link: Link, sending: Sending): void;
  /** Haves of the downloader arrived. */
  learn(link: Link, pieces: readonly number[]): void;
}

/** The uplink of a host. */
interface WayOut {
  /** Sends a block when the link's turn comes. */
  send(link: Link, request: Sending): void;
  /** Queues a link, also one that waited for its receiver. */
  line(link: Link): void;
}

/** A bottleneck on the path of blocks. */
export interface Way {
  /** True if a link's sender, `latencyMs` away, may start a block now. */
  hasRoom(link: Link, latencyMs: number): boolean;
  /** Accepts a block whose first byte arrives at `firstMs`. Returns when it has passed if its bytes keep coming. */
  take(bytes: number, firstMs: number): number;
  /** Queues the link; its uplink is notified when there is room. */
  wait(link: Link, latencyMs: number): void;
}

/** One end of a link: the view of a host for other hosts and for its own parts. */
export interface Machine {
  readonly id: PeerId;
  readonly index: number;
  readonly spec: HostSpec;
  readonly alive: boolean;
  /** False if it sometimes sends bad bytes. */
  readonly isHonest: boolean;
  /** Pieces that it can serve, as a live view. */
  readonly have: Bitfield;
  readonly uplink: WayOut;
  readonly downlink: Way;
  readonly uploader: UploadingEnd;
  /** Undefined in a seeder. */
  readonly download: DownloadingEnd | undefined;
  /** Hash of the bytes that this host sends for a block. */
  digestOf(ref: BlockRef): Buffer;
  /** A piece was verified: schedules haves to all connected hosts. */
  verified(piece: number): void;
  /** Sends haves to all connected hosts. */
  tellNow(): void;
}
