import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef, RejectReason } from '@enjambre/peer-agent/domain/block';
import type { CandidateAddress, PeerChange } from '@enjambre/peer-agent/domain/links/messages';
import type { BlockRequest, Part } from '@enjambre/peer-agent/domain/upload/messages';
import { Fifo } from './fifo.js';
import type { HostSpec } from './scenario.js';

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
    readonly downloader: Machine,
    readonly uploader: Machine,
    pieceCount: number,
  ) {
    this.told = Bitfield.empty(pieceCount);
  }
}

/** What the tracker says has changed. */
export type PeerNews = PeerChange<CandidateAddress>;

/** What reaches the downloader of a link, and its machine. */
interface DownloadingEnd {
  /** The uploader's hello and bitfield came. */
  ready(link: Link, has: Bitfield): void;
  has(link: Link, pieces: readonly number[]): void;
  choked(link: Link, choked: boolean): void;
  superSeeds(link: Link, on: boolean): void;
  /** All bytes of a block came. */
  arrived(link: Link, sending: Sending): void;
  rejected(link: Link, id: number, reason: RejectReason): void;
  /** The uploader is gone. */
  lost(link: Link): void;
  update(news: PeerNews): void;
}

/** What reaches the uploader of a link. */
interface UploadingEnd {
  /** The hello of a downloader came, with what it has. */
  accept(link: Link): void;
  /** The downloader's streams are over. */
  close(link: Link): void;
  request(link: Link, request: BlockRequest): void;
  cancel(link: Link, id: number): void;
  /** The uplink has sent a block. */
  sent(link: Link, sending: Sending): void;
  /** Pieces that the downloader has since. */
  learn(link: Link, pieces: readonly number[]): void;
}

/** A host's way out. */
interface WayOut {
  /** Sends a block when the link's turn comes. */
  send(link: Link, request: Sending): void;
  /** Puts a link into the line; one that waited for its receiver comes back so. */
  line(link: Link): void;
}

/** Something narrow that blocks pass on their way. */
export interface Way {
  /** True if a link's sender, `latencyMs` away, may begin with a block now. */
  hasRoom(link: Link, latencyMs: number): boolean;
  /** Takes a block whose first byte comes at `firstMs`. Returns when it has passed if its bytes come fast enough. */
  take(bytes: number, firstMs: number): number;
  /** The link's uplink is told when there is room. */
  wait(link: Link, latencyMs: number): void;
}

/** One end of a link: a host as others, and its own parts, see it. */
export interface Machine {
  readonly id: PeerId;
  readonly index: number;
  readonly spec: HostSpec;
  readonly alive: boolean;
  /** False if it sends wrong bytes now and then. */
  readonly isHonest: boolean;
  /** Pieces it can serve, live. */
  readonly have: Bitfield;
  readonly uplink: WayOut;
  readonly downlink: Way;
  readonly uploader: UploadingEnd;
  /** Undefined in a seeder. */
  readonly download: DownloadingEnd | undefined;
  /** What the bytes hash to that this host sends for a block. */
  digestOf(ref: BlockRef): Buffer;
  /** A piece was verified: all that are connected are told soon. */
  verified(piece: number): void;
  /** Tells all that are connected what was verified. */
  tellNow(): void;
}
