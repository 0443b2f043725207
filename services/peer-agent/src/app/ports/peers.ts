import type { Bitfield } from '@enjambre/core/bitfield';
import type { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { PieceLayout } from '@enjambre/core/layout';
import type { SourceEvent } from '../../domain/source-event.js';

/** A peer as the tracker names it. */
export interface PeerAddress {
  readonly peerId: PeerId;
  readonly name: string;
  readonly endpoint: string;
  /** All addresses at which it may be reached, best first. @default `endpoint` alone */
  readonly endpoints?: readonly string[];
  readonly seeder: boolean;
  /** What it says of where it stands. @default nothing */
  readonly labels?: Labels;
}

/** An event of a source as its link tells it: a block comes with its bytes, an end with its reason. Nothing comes after `source-left`. */
export type SourceNews =
  | Exclude<SourceEvent, { type: 'block-arrived' | 'source-left' }>
  | (Extract<SourceEvent, { type: 'block-arrived' }> & { readonly data: Buffer })
  | (Extract<SourceEvent, { type: 'source-left' }> & {
      readonly error: EnjambreError;
      /** True if it was ended by {@link BlockSource.close}. */
      readonly byUs: boolean;
    });

/** A source of the blocks of one file. */
export interface BlockSource {
  readonly id: PeerId;
  readonly kind: 'peer';
  request(id: number, place: { piece: number; begin: number; length: number }): void;
  /** Asks for a block of the uploader's choice, of a piece whose index is `residue` modulo `modulus`. */
  requestAny(id: number, of: { modulus: number; residue: number }): void;
  cancel(id: number): void;
  /** How fast blocks should come: bytes a second, 0 for as fast as they can. */
  pace(bytesPerSecond: number): void;
  have(pieces: readonly number[]): void;
  /** Ends the link, of which `source-left` is told. @param piece the one that was bad, if that is why */
  close(reason: string, message: string, piece?: number): void;
}

export interface PeerConnector {
  /** Opens a link to an uploader. `have` is what we have, read when it is sent. `tell` hears all that happens, never before this returns. */
  open(
    peer: PeerAddress,
    what: { infohash: InfoHash; layout: PieceLayout; have: Bitfield },
    tell: (news: SourceNews) => void,
  ): BlockSource;
  /**
   * Fetches and checks the metainfo of a file. Throws {@link EnjambreError}.
   *
   * @param progress hears how many bytes have come, and how many the peer says there are
   */
  fetchMetainfo(
    peer: PeerAddress,
    infohash: InfoHash,
    signal: AbortSignal,
    progress?: (bytes: number, total: number) => void,
  ): Promise<Metainfo>;
}
