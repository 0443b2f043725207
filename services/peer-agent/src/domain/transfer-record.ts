import { EnjambreError, messageOf } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Distance } from '@enjambre/core/locality';
import { NO_ACCOUNT, type AccountRecord } from './explain/causes.js';
import type { LimitSettings } from './limits/limit-settings.js';
import { isSeedingEnd } from './limits/seed-limits.js';
import type { OwnPublication, Publication } from './publication.js';
import type { OwnFiles } from './own-files.js';
import { NO_TRAFFIC, type TrafficRecord } from './traffic.js';

/** No failure. */
export const NO_FAILURE = { reason: '', message: '' } as const;

/**
 * What a download may do about an entry that has its name when it is complete: nothing (`none`); replace the unchanged
 * content of another transfer of this agent (`own`); or replace any file or folder (`any`).
 */
export type Replace = 'none' | 'own' | 'any';

/** What a transfer is meant to do; its current state follows from it. */
export type TransferGoal = 'run' | 'pause' | 'failed';

/** Bytes exchanged with one peer for one transfer. */
export interface PeerBytes {
  readonly peerId: PeerId;
  readonly name: string;
  readonly received: number;
  readonly sent: number;
  /** Topology distance to the peer. */
  readonly distance: Distance;
  /** Time in which the peer was sending to us, without pauses of a second or more. */
  readonly receivingMs: number;
}

/** A place where the whole content is, or was. */
export interface ContentCopy {
  /** As in {@link TransferRecord}. */
  readonly origin: boolean;
  readonly location: string;
  /** Fingerprint of the complete content; empty if unknown. */
  readonly fingerprint: string;
}

/** The persistent state of one transfer. Times in milliseconds since the Unix epoch. */
export interface TransferRecord extends LimitSettings {
  readonly infohash: InfoHash;
  /** Until the metainfo is known, the name in the tracker's catalogue, or empty. */
  readonly name: string;
  /** True if a person asked for this name: the metainfo must then have it, and the size of the catalogue. */
  readonly askedByName: boolean;
  readonly goal: TransferGoal;
  /**
   * Why it failed, or why its seeding ended: a constant for programs, and a sentence for people; empty otherwise. Older
   * records lack the constant.
   */
  readonly reason: string;
  readonly message: string;
  /** Properties of the content that the file system refused; empty otherwise. */
  readonly warning: string;
  /** True if this agent shared the content. */
  readonly origin: boolean;
  /** For a share, the content itself; for a download, its target folder. */
  readonly location: string;
  /** Target folder of a download that is being moved, else empty: after a crash its part is there or in `location`. */
  readonly movingTo: string;
  /** All files to download are complete. */
  readonly complete: boolean;
  /** True once the content has its final name in `location`; until then it is assembled elsewhere. */
  readonly inPlace: boolean;
  /** Files under that name that the agent itself created, and may therefore delete. */
  readonly ownFiles: OwnFiles;
  /**
   * Identity (PieceStore.identity) of the part that is about to be renamed to the final name: shows after a crash
   * whether the entry with that name is the part.
   */
  readonly assembly: string;
  /** PieceStore.fingerprint of the complete content. */
  readonly fingerprint: string;
  /** Cleared when it has its name. */
  readonly replace: Replace;
  /** Its version and publisher, if the tracker knew them when it was requested by name. */
  readonly publication: Publication | undefined;
  /** Its version among what this agent has shared under its name; undefined for a download. */
  readonly published: OwnPublication | undefined;
  /** True if newer versions of its name and publisher are downloaded in its place. */
  readonly follow: boolean;
  /** Patterns of the files to download; empty for all. See `SelectPatterns`. */
  readonly select: readonly string[];
  /** Other complete copies of the content: one is used when the current one is missing or changed. */
  readonly copies: readonly ContentCopy[];
  /** The recorded state of the content is in doubt: the next run hashes all of it. */
  readonly recheck: boolean;
  readonly sizeBytes: number;
  /** Sum of the sizes of the files to download. Until the metainfo is known, `sizeBytes`. */
  readonly selectedBytes: number;
  readonly doneBytes: number;
  readonly downloadedBytes: number;
  readonly uploadedBytes: number;
  readonly wastedBytes: number;
  readonly addedAtMs: number;
  /** 0 until the transfer is complete. */
  readonly completedAtMs: number;
  /** Time spent downloading. */
  readonly activeMs: number;
  /** Time spent seeding. */
  readonly seededMs: number;
  readonly peers: readonly PeerBytes[];
  readonly traffic: TrafficRecord;
  /** Where the time of the download went. */
  readonly account: AccountRecord;
}

/** The counters of a new transfer. */
export const NOTHING_COUNTED = {
  downloadedBytes: 0,
  uploadedBytes: 0,
  wastedBytes: 0,
  completedAtMs: 0,
  activeMs: 0,
  seededMs: 0,
  peers: [],
  traffic: NO_TRAFFIC,
  account: NO_ACCOUNT,
} as const satisfies Partial<TransferRecord>;

/** True if it seeds no longer since a limit is reached. For an agent that knows no such limits, it is paused. */
export function isDoneSeeding({ goal, complete, reason }: TransferRecord): boolean {
  return goal === 'pause' && complete && isSeedingEnd(reason);
}

/**
 * Part of the content turned out to be missing. Until the progress log has loaded, only a check tells what is present.
 */
export function incomplete(record: TransferRecord): TransferRecord {
  return { ...record, complete: false, completedAtMs: 0, recheck: record.recheck || record.complete };
}

/**
 * Changes for a transfer whose content must be read again. If a download's content is missing (`isGone`), its progress
 * is reset.
 */
export function inDoubt({ origin }: TransferRecord, isGone: boolean): Partial<TransferRecord> {
  const givenUp = isGone && !origin ? { complete: false, completedAtMs: 0, doneBytes: 0 } : {};
  return { ...givenUp, fingerprint: '', recheck: true };
}

/** The content is complete, verified and in place. Undefined if that is already recorded. */
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
 * The transfer failed with `cause`. A part that differs from what was written (`precondition`) is hashed by the next
 * run; complete content is recognised by its fingerprint.
 */
export function failed(record: TransferRecord, cause: unknown): TransferRecord {
  const { code, reason, message: sentence } = EnjambreError.from(cause);
  const message = reason === 'INTERNAL' ? `internal error: ${messageOf(cause)}` : sentence;
  const recheck = record.recheck || (code === 'precondition' && !record.complete);
  return { ...record, goal: 'failed', reason, message, recheck };
}
