import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { LimitSettings } from './limits/limit-settings.js';

/** What a transfer is to do; what it does at a moment follows from it. */
export type TransferGoal = 'run' | 'pause' | 'failed';

/** Bytes exchanged with one peer for one transfer. */
export interface PeerBytes {
  readonly peerId: PeerId;
  readonly name: string;
  readonly received: number;
  readonly sent: number;
}

/** What outlives the process of one transfer. Times in milliseconds since 1970. */
export interface TransferRecord extends LimitSettings {
  readonly infohash: InfoHash;
  /** Empty until the metainfo is known. */
  readonly name: string;
  readonly goal: TransferGoal;
  /** Why it failed; empty otherwise. */
  readonly reason: string;
  /** True if it was shared from here. */
  readonly origin: boolean;
  /** For a share, the content itself; for a download, the folder it goes to. */
  readonly location: string;
  readonly complete: boolean;
  /** True once the content has its own name in `location`; before that it is assembled elsewhere. */
  readonly inPlace: boolean;
  /** Of the complete content, see PieceStore.fingerprint. */
  readonly fingerprint: string;
  readonly bytesTotal: number;
  readonly bytesDone: number;
  readonly bytesDownloaded: number;
  readonly bytesUploaded: number;
  readonly bytesWasted: number;
  readonly addedAtMs: number;
  /** 0 until it is complete. */
  readonly completedAtMs: number;
  /** Time spent downloading. */
  readonly activeMs: number;
  readonly peers: readonly PeerBytes[];
}
