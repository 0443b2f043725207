import type { Bitfield } from '@enjambre/core/bitfield';
import type { BlockPlace, RejectReason } from '../block.js';
import type { EngineLayout } from '../engine-layout.js';
import type { RateShare } from '../limits/rate-limiter.js';
import type { PieceClass } from './piece-class.js';
import type { SuperSeeding } from './super-seeding.js';

/** A file that is uploaded; compared by identity. */
export interface UploadFile {
  readonly layout: EngineLayout;
  /** Verified pieces; updated by its owner. */
  readonly have: Bitfield;
  /** Its share of the upload rate. */
  readonly share: RateShare;
  readonly superSeeding: SuperSeeding;
}

/** The part of a block that one message carries. */
export interface Part extends BlockPlace {
  /** Bytes of the block after this part. */
  readonly left: number;
}

/** A request for a named block, or for one of the uploader's choice. */
export type BlockRequest = { readonly id: number; readonly length: number } & (
  BlockPlace | { readonly any: PieceClass }
);

/** Input of the engine. A downloader is one peer for one file; it requests blocks on any number of streams. */
export type UploadEvent<Downloader, Stream> =
  | {
      readonly type: 'downloader-joined';
      readonly downloader: Downloader;
      readonly file: UploadFile;
      /** Whom it belongs to: parties share slots and memory fairly. Compared by identity. @default itself */
      readonly party?: unknown;
    }
  /** The pieces that it joined with; copied. Sent once, before any `downloader-has`. */
  | { readonly type: 'downloader-bitfield'; readonly downloader: Downloader; readonly has: Bitfield }
  | { readonly type: 'downloader-has'; readonly downloader: Downloader; readonly pieces: readonly number[] }
  /** Also closes its streams. */
  | { readonly type: 'downloader-left'; readonly downloader: Downloader }
  /** The last piece of the file was verified. */
  | { readonly type: 'file-completed'; readonly file: UploadFile }
  | {
      readonly type: 'stream-opened';
      readonly stream: Stream;
      readonly downloader: Downloader;
      /** Its blocks may be sent in parts. */
      readonly takesParts: boolean;
    }
  | { readonly type: 'stream-closed'; readonly stream: Stream }
  /** The rate requested by the downloader: bytes per second, or UNLIMITED. */
  | { readonly type: 'stream-paced'; readonly stream: Stream; readonly bytesPerSecond: number }
  | { readonly type: 'requested'; readonly stream: Stream; readonly request: BlockRequest }
  | { readonly type: 'cancelled'; readonly stream: Stream; readonly id: number }
  /** A part returned by the engine has been read, and is being sent: from now on only the downloader delays it. */
  | { readonly type: 'part-read'; readonly stream: Stream; readonly id: number; readonly part: Part }
  /** A part returned by the engine has been sent. */
  | { readonly type: 'part-sent'; readonly stream: Stream; readonly id: number; readonly part: Part }
  /** The part could not be read: no more of its block is sent. */
  | {
      readonly type: 'part-failed';
      readonly stream: Stream;
      readonly id: number;
      readonly part: Part;
      readonly reason: RejectReason;
    }
  | { readonly type: 'tick' };

/**
 * How a downloader broke the protocol: the request id is in use, or too many requests are unanswered; or it reads nothing
 * while others need the memory.
 */
export type Breach = 'duplicate' | 'full' | 'stalled';

/** What to do, in this order. */
export type UploadEffect<Downloader, Stream> =
  /** Read the part and send it; report `part-sent` or `part-failed`, unless the stream is closed. */
  | { readonly type: 'send'; readonly stream: Stream; readonly id: number; readonly part: Part }
  | { readonly type: 'reject'; readonly stream: Stream; readonly id: number; readonly reason: RejectReason }
  /** The downloader broke the protocol: close the stream. */
  | { readonly type: 'violation'; readonly stream: Stream; readonly breach: Breach }
  | { readonly type: 'choke' | 'unchoke'; readonly downloader: Downloader }
  /** Whether the downloader must leave the choice of blocks to the uploader; initially it does not. */
  | { readonly type: 'super-seed'; readonly downloader: Downloader; readonly on: boolean };

/** Events of an open stream. */
export type StreamEvent<Downloader, Stream> = Extract<
  UploadEvent<Downloader, Stream>,
  {
    type:
      | 'stream-closed'
      | 'stream-paced'
      | 'requested'
      | 'cancelled'
      | 'part-read'
      | 'part-sent'
      | 'part-failed';
  }
>;
