import type { TransferRecord } from '../domain/transfer-record.js';
import type { PeerAccount } from './ledger.js';

export type TransferState = 'resolving' | 'checking' | 'downloading' | 'seeding' | 'paused' | 'failed';

/** A transfer as it stands, for whoever asks. */
export interface TransferView {
  readonly record: TransferRecord;
  readonly state: TransferState;
  /** Why it failed, or what it waits for; empty otherwise. */
  readonly reason: string;
  readonly path: string;
  readonly pieceLength: number;
  readonly piecesTotal: number;
  readonly piecesDone: number;
  readonly fileCount: number;
  /** Bytes a second. */
  readonly downloadRate: number;
  readonly uploadRate: number;
  readonly peers: readonly (PeerAccount & { readonly banned: string })[];
}
