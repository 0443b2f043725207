import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '../block.js';
import type { SourceEvent } from '../source-event.js';

/** What happened, told to the engine. */
export type DownloadEvent =
  | SourceEvent
  /**
   * A block that the engine had stored is on disk, and `digest` is the root of its leaves; or it was lost on the way
   * there, and `digest` is undefined: it is asked for again.
   */
  | { readonly type: 'block-stored'; readonly ref: BlockRef; readonly digest: Buffer | undefined }
  | { readonly type: 'tick' };

/** What is to be done, in this order. */
export type DownloadEffect =
  /** `id` is unique among the peer's requests; the answer carries it. */
  | { readonly type: 'request'; readonly source: PeerId; readonly id: number; readonly ref: BlockRef }
  /** A block of the peer's choice, of a piece whose index is `residue` modulo `modulus`. */
  | {
      readonly type: 'request-any';
      readonly source: PeerId;
      readonly id: number;
      readonly modulus: number;
      readonly residue: number;
    }
  /** The request is answered all the same, with the block or a rejection. */
  | { readonly type: 'cancel'; readonly source: PeerId; readonly id: number }
  /** Write the bytes that just arrived, hash them, come back with `block-stored`. */
  | { readonly type: 'store'; readonly ref: BlockRef }
  /** Drop the bytes that just arrived: they are not needed any more. */
  | { readonly type: 'discard'; readonly ref: BlockRef }
  /** All blocks of the piece are on disk and hash to its root. */
  | { readonly type: 'verified'; readonly piece: number }
  /** The piece did not hash to its root and will be fetched again. */
  | { readonly type: 'failed'; readonly piece: number }
  /** The peer sent bad bytes: end its streams and do not come back. */
  | { readonly type: 'ban'; readonly source: PeerId; readonly piece: number; readonly reason: string }
  /** The peer broke the protocol: end its streams. */
  | { readonly type: 'violation'; readonly source: PeerId; readonly reason: string }
  | { readonly type: 'complete' };
