import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { Distance } from '@enjambre/core/locality';
import type { BlockRef, RejectReason } from '../block.js';

/** What happened, told to the engine. */
export type DownloadEvent =
  /** A peer can be asked from now on; the engine keeps `has` as its own. */
  | {
      readonly type: 'peer-joined';
      readonly peer: PeerId;
      readonly has: Bitfield;
      /** How far it is. @default 'unknown' */
      readonly distance?: Distance;
    }
  /** Its requests will not be answered any more. */
  | { readonly type: 'peer-left'; readonly peer: PeerId }
  | { readonly type: 'peer-has'; readonly peer: PeerId; readonly pieces: readonly number[] }
  /** A part of a block came: slow as it may be, it is not silent. */
  | { readonly type: 'peer-heard'; readonly peer: PeerId }
  | { readonly type: 'peer-choked'; readonly peer: PeerId }
  | { readonly type: 'peer-unchoked'; readonly peer: PeerId }
  /** Whether the peer, an uploader of all pieces, is to choose what it sends; it is not at first. */
  | { readonly type: 'peer-super-seeds'; readonly peer: PeerId; readonly on: boolean }
  /** The bytes are with the caller, who does with them what the effects say. */
  | { readonly type: 'block-arrived'; readonly peer: PeerId; readonly id: number; readonly ref: BlockRef }
  | {
      readonly type: 'block-rejected';
      readonly peer: PeerId;
      readonly id: number;
      readonly reason: RejectReason;
    }
  /**
   * A block that the engine had stored is on disk, and `digest` is the root of its leaves; or it was lost on the way
   * there, and `digest` is undefined: it is asked for again.
   */
  | { readonly type: 'block-stored'; readonly ref: BlockRef; readonly digest: Buffer | undefined }
  | { readonly type: 'tick' };

/** What is to be done, in this order. */
export type DownloadEffect =
  /** `id` is unique among the peer's requests; the answer carries it. */
  | { readonly type: 'request'; readonly peer: PeerId; readonly id: number; readonly ref: BlockRef }
  /** A block of the peer's choice, of a piece whose index is `residue` modulo `modulus`. */
  | {
      readonly type: 'request-any';
      readonly peer: PeerId;
      readonly id: number;
      readonly modulus: number;
      readonly residue: number;
    }
  /** The request is answered all the same, with the block or a rejection. */
  | { readonly type: 'cancel'; readonly peer: PeerId; readonly id: number }
  /** Write the bytes that just arrived, hash them, come back with `block-stored`. */
  | { readonly type: 'store'; readonly ref: BlockRef }
  /** Drop the bytes that just arrived: they are not needed any more. */
  | { readonly type: 'discard'; readonly ref: BlockRef }
  /** All blocks of the piece are on disk and hash to its root. */
  | { readonly type: 'verified'; readonly piece: number }
  /** The piece did not hash to its root and will be fetched again. */
  | { readonly type: 'failed'; readonly piece: number }
  /** The peer sent bad bytes: end its streams and do not come back. */
  | { readonly type: 'ban'; readonly peer: PeerId; readonly piece: number; readonly reason: string }
  /** The peer broke the protocol: end its streams. */
  | { readonly type: 'violation'; readonly peer: PeerId; readonly reason: string }
  | { readonly type: 'complete' };
