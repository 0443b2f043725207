import type { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { Distance } from '@enjambre/core/locality';
import type { BlockRef, RejectReason } from './block.js';

/**
 * What happens at a source of blocks, such as a peer. The same event goes from the wire through links and session to the
 * download engine. `source` is the id of the peer.
 */
export type SourceEvent =
  /** A peer can be asked from now on; the engine keeps `has` as its own. */
  | {
      readonly type: 'source-joined';
      readonly source: PeerId;
      readonly has: Bitfield;
      /** How far it is. @default 'unknown' */
      readonly distance?: Distance;
    }
  /** Its requests will not be answered any more. */
  | { readonly type: 'source-left'; readonly source: PeerId }
  | { readonly type: 'source-has'; readonly source: PeerId; readonly pieces: readonly number[] }
  /** A part of a block came: slow as it may be, it is not silent. */
  | { readonly type: 'source-heard'; readonly source: PeerId }
  | { readonly type: 'source-choked'; readonly source: PeerId }
  | { readonly type: 'source-unchoked'; readonly source: PeerId }
  /** Whether the peer, an uploader of all pieces, is to choose what it sends; it is not at first. */
  | { readonly type: 'source-super-seeds'; readonly source: PeerId; readonly on: boolean }
  /** The bytes of the block are with the host of the engine, which does with them what the effects say. */
  | { readonly type: 'block-arrived'; readonly source: PeerId; readonly id: number; readonly ref: BlockRef }
  | {
      readonly type: 'block-rejected';
      readonly source: PeerId;
      readonly id: number;
      readonly reason: RejectReason;
    };
