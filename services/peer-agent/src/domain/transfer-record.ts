import { EnjambreError, messageOf } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Distance } from '@enjambre/core/locality';
import { NO_ACCOUNT, type AccountRecord } from './explain/causes.js';
import type { LimitSettings } from './limits/limit-settings.js';
import type { OwnFiles } from './own-files.js';
import { NO_TRAFFIC, type TrafficRecord } from './traffic.js';

/** What a transfer is to do; what it does at a moment follows from it. */
export type TransferGoal = 'run' | 'pause' | 'failed';

/** Bytes exchanged with one peer for one transfer. */
export interface PeerBytes {
  readonly peerId: PeerId;
  readonly name: string;
  readonly received: number;
  readonly sent: number;
  /** How far it is. */
  readonly distance: Distance;
  /** Time in which it was sending to us, without pauses of a second and more. */
  readonly receivingMs: number;
}

/** A place where the whole content is, or was. */
export interface ContentCopy {
  /** As of a {@link TransferRecord}. */
  readonly origin: boolean;
  readonly location: string;
  /** How it looked when it was whole; empty if that is not known. */
  readonly fingerprint: string;
}

/** What outlives the process of one transfer. Times in milliseconds since 1970. */
export interface TransferRecord extends LimitSettings {
  readonly infohash: InfoHash;
  /** Empty until the metainfo is known. */
  readonly name: string;
  readonly goal: TransferGoal;
  /** Why it failed; empty otherwise. */
  readonly reason: string;
  /** What its content does without since the file system did not take it; empty otherwise. */
  readonly warning: string;
  /** True if it was shared from here. */
  readonly origin: boolean;
  /** For a share, the content itself; for a download, the folder it goes to. */
  readonly location: string;
  /** Of a download that is just being moved, the folder that it moves to: after a crash its part is there or in `location`; else empty. */
  readonly movingTo: string;
  readonly complete: boolean;
  /** True once the content has its own name in `location`; before that it is assembled elsewhere. */
  readonly inPlace: boolean;
  /** Which files under that name the agent itself has made, and may so delete. */
  readonly ownFiles: OwnFiles;
  /** Of the part that is about to get its name, see PieceStore.identity: what has the name after a crash is that, or not. */
  readonly assembly: string;
  /** Of the complete content, see PieceStore.fingerprint. */
  readonly fingerprint: string;
  /** Other copies of the whole content: one is used when what is in use is gone or changed. */
  readonly copies: readonly ContentCopy[];
  /** What else is noted of what is on disk is in doubt: the next run hashes all of it. */
  readonly recheck: boolean;
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
  readonly traffic: TrafficRecord;
  /** Where the time of the download went. */
  readonly account: AccountRecord;
}

/** What is counted, of a transfer that is new. */
export const NOTHING_COUNTED = {
  bytesDownloaded: 0,
  bytesUploaded: 0,
  bytesWasted: 0,
  completedAtMs: 0,
  activeMs: 0,
  peers: [],
  traffic: NO_TRAFFIC,
  account: NO_ACCOUNT,
} as const satisfies Partial<TransferRecord>;

/** Some of it turned out to be missing. Until the progress log says what is there, nobody knows without a look. */
export function incomplete(record: TransferRecord): TransferRecord {
  return { ...record, complete: false, completedAtMs: 0, recheck: record.recheck || record.complete };
}

/** What changes when all that is on disk is to be read again. What is missing of a download (`isGone`) is given up. */
export function inDoubt({ origin }: TransferRecord, isGone: boolean): Partial<TransferRecord> {
  const givenUp = isGone && !origin ? { complete: false, completedAtMs: 0, bytesDone: 0 } : {};
  return { ...givenUp, fingerprint: '', recheck: true };
}

/** All of it is there, checked, under its name. Undefined if that is noted already. */
export function completed(
  record: TransferRecord,
  { fingerprint, ownFiles, warning }: Pick<TransferRecord, 'fingerprint' | 'ownFiles' | 'warning'>,
  nowMs: number,
): TransferRecord | undefined {
  const { complete, inPlace, recheck } = record;
  const isSame = fingerprint === record.fingerprint && ownFiles === record.ownFiles;
  if (complete && inPlace && !recheck && isSame && warning === record.warning) return undefined;
  const completedAtMs = record.completedAtMs || nowMs;
  const place = { inPlace: true, ownFiles, assembly: '', movingTo: '' };
  return { ...record, ...place, complete: true, fingerprint, warning, recheck: false, completedAtMs };
}

/**
 * It failed, and says why. A part that is not what was written (`precondition`) is to be hashed
 * by whatever run comes next; complete content is known by its fingerprint.
 */
export function failed(record: TransferRecord, cause: unknown): TransferRecord {
  const { code, reason: kind, message } = EnjambreError.from(cause);
  const reason = kind === 'INTERNAL' ? `internal error: ${messageOf(cause)}` : message;
  const recheck = record.recheck || (code === 'precondition' && !record.complete);
  return { ...record, goal: 'failed', reason, recheck };
}
