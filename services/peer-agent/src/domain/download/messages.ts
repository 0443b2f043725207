import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import type { SourceEvent } from '../source-event.js';

/** Input of the engine. */
export type DownloadEvent =
  | SourceEvent
  /**
   * A block is on disk, and `digest` is the root of its leaves; or it was lost before that, `digest` is undefined, and
   * it is requested again.
   */
  | { readonly type: 'block-stored'; readonly ref: BlockRef; readonly digest: Buffer | undefined }
  | { readonly type: 'tick' };

/** What to do, in this order. */
export type DownloadEffect =
  /** `id` is unique among the peer's requests; the answer carries it. */
  | { readonly type: 'request'; readonly source: PeerId; readonly id: number; readonly ref: BlockRef }
  /** Requests a block of the peer's choice, from the pieces whose index is `residue` modulo `modulus`. */
  | {
      readonly type: 'request-any';
      readonly source: PeerId;
      readonly id: number;
      readonly modulus: number;
      readonly residue: number;
    }
  /** The request is still answered, with the block or a rejection. */
  | { readonly type: 'cancel'; readonly source: PeerId; readonly id: number }
  /** Write the bytes that just arrived, hash them, and report `block-stored`. */
  | { readonly type: 'store'; readonly ref: BlockRef }
  /** Drop the bytes that just arrived: they are no longer needed. */
  | { readonly type: 'discard'; readonly ref: BlockRef }
  /** All blocks of the piece are on disk and hash to its root. */
  | { readonly type: 'verified'; readonly piece: number }
  /** The piece does not hash to its root and will be fetched again. */
  | { readonly type: 'failed'; readonly piece: number }
  /** The peer sent bad data: close its streams and do not reconnect. */
  | { readonly type: 'ban'; readonly source: PeerId; readonly piece: number; readonly reason: string }
  /** The peer broke the protocol: close its streams. */
  | { readonly type: 'violation'; readonly source: PeerId; readonly reason: string }
  | { readonly type: 'complete' };
