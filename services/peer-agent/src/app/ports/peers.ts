import type { Bitfield } from '@enjambre/core/bitfield';
import type { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { PieceLayout } from '@enjambre/core/layout';
import type { SourceEvent } from '../../domain/source-event.js';

/** A peer as listed by the tracker. */
export interface PeerAddress {
  readonly peerId: PeerId;
  readonly name: string;
  readonly endpoint: string;
  /** All addresses of the peer, best first. @default `endpoint` alone */
  readonly endpoints?: readonly string[];
  readonly seeder: boolean;
  /** Topology labels that the peer announces. @default none */
  readonly labels?: Labels;
}

/**
 * A source event as its link reports it: a block carries its bytes, an end its reason. `source-joined` is the first event,
 * unless the link ends before that, and `source-left` the last.
 */
export type SourceNews =
  | Exclude<SourceEvent, { type: 'block-arrived' | 'source-left' }>
  | (Extract<SourceEvent, { type: 'block-arrived' }> & { readonly data: Buffer })
  | (Extract<SourceEvent, { type: 'source-left' }> & {
      readonly error: EnjambreError;
      /** True if `source-joined` was reported before. */
      readonly joined: boolean;
      /** True if {@link BlockSource.close} ended the link. */
      readonly byUs: boolean;
    });

/**
 * A source of the blocks of one file. Each request, cancelled or not, is answered by exactly one `block-arrived` or
 * `block-rejected`, unless the link ends first. Requests before `source-joined`, and all calls after `source-left`, have
 * no effect.
 */
export interface BlockSource {
  readonly id: PeerId;
  readonly kind: 'peer';
  request(id: number, place: { piece: number; begin: number; length: number }): void;
  /** Requests a block of the uploader's choice from the pieces whose index is `residue` modulo `modulus`. */
  requestAny(id: number, of: { modulus: number; residue: number }): void;
  cancel(id: number): void;
  /** Sets the rate at which blocks should arrive, in bytes per second; 0 for no limit. */
  pace(bytesPerSecond: number): void;
  have(pieces: readonly number[]): void;
  /** Ends the link; `source-left` follows. @param piece the bad piece, if that is the reason */
  close(reason: string, message: string, piece?: number): void;
}

/** What happens while a metainfo is fetched. */
export interface MetainfoProgress {
  /** An address of the peer is dialed; addresses may have to wait for their turn. */
  dialed?(): void;
  /** Bytes fetched so far, and the total that the peer announced. */
  received?(bytes: number, total: number): void;
}

export interface PeerConnector {
  /**
   * Opens a link to an uploader. `have` is our bitfield; it is read when it is sent. `dialed` is called when an address
   * is dialed, perhaps before this call returns; addresses may have to wait for their turn. `tell` receives every event,
   * never before this call returns.
   */
  open(
    peer: PeerAddress,
    what: { infohash: InfoHash; layout: PieceLayout; have: Bitfield; dialed?: () => void },
    tell: (news: SourceNews) => void,
  ): BlockSource;
  /**
   * Fetches and verifies the metainfo of a file. Throws {@link EnjambreError}: `invalid` BAD_METAINFO if the peer sends
   * anything else, `UnusableTorrent` if no metainfo of that infohash can be used, `cancelled` if `signal` aborts.
   */
  fetchMetainfo(
    peer: PeerAddress,
    infohash: InfoHash,
    signal: AbortSignal,
    progress?: MetainfoProgress,
  ): Promise<Metainfo>;
}
