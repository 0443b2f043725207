import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { Distance } from '@enjambre/core/locality';
import type { BlockRef, RejectReason } from './block.js';

/**
 * An event of a source of blocks, such as a peer. The same event travels from the wire through link and session to the
 * download engine. `source` is the id of the peer.
 */
export type SourceEvent =
  /** The peer can be asked from now on; the engine takes ownership of `has`. */
  | {
      readonly type: 'source-joined';
      readonly source: PeerId;
      readonly has: Bitfield;
      /** Topology distance to the peer. @default 'unknown' */
      readonly distance?: Distance;
    }
  /** Its open requests will not be answered. */
  | {
      readonly type: 'source-left';
      readonly source: PeerId;
      /** It asks not to be dialed again for this time. @default no time */
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly type: 'source-has'; readonly source: PeerId; readonly pieces: readonly number[] }
  /** A part of a block arrived: the peer is not silent, however slow. */
  | { readonly type: 'source-heard'; readonly source: PeerId }
  | { readonly type: 'source-choked'; readonly source: PeerId }
  | { readonly type: 'source-unchoked'; readonly source: PeerId }
  /** Whether the peer, which has all pieces, chooses the blocks it sends; initially it does not. */
  | { readonly type: 'source-super-seeds'; readonly source: PeerId; readonly on: boolean }
  /** The host of the engine holds the bytes of the block, and handles them as the effects say. */
  | { readonly type: 'block-arrived'; readonly source: PeerId; readonly id: number; readonly ref: BlockRef }
  | {
      readonly type: 'block-rejected';
      readonly source: PeerId;
      readonly id: number;
      readonly reason: RejectReason;
    };
