import type { InfoHash } from '@enjambre/core/ids';
import type { FileRecord } from '../domain/catalogue.js';
import type { ReplicaId, ReplicaMessage, Snapshot } from '../domain/replica-state.js';

/** Whom a store tells of what others do, and asks for what this tracker holds. */
export interface StoreListener {
  /** Others can be reached (again): what they said meanwhile may have been missed. */
  reachable(): void;
  /** Another tracker speaks; each one's messages come in their order, some may be missing. */
  heard(message: ReplicaMessage): void;
  /** A record as it stands now; undefined if it was forgotten. All of them after each {@link reachable}. */
  recorded(infohash: InfoHash, record: FileRecord | undefined): void;
  /** What this tracker holds, for one that asks. */
  snapshot(): Snapshot;
}

/**
 * What the trackers of a network share: records of files, which outlive them, and what
 * they tell each other of their sessions, which does not. Methods that return a promise
 * reject with an EnjambreError `unavailable` while the others cannot be reached.
 */
export interface TrackerStore {
  /** False while other trackers cannot be reached. */
  readonly connected: boolean;
  /** False also while only records cannot be kept. */
  readonly available: boolean;
  /** True if records outlive the trackers. */
  readonly durable: boolean;
  /** The largest message of changes, as `batchesOf` counts. */
  readonly maxMessageBytes: number;
  /** Messages that were none of ours, or no right ones. */
  readonly ignored: number;

  /** Resolves when others can be reached and the records are known, or soon without. */
  start(listener: StoreListener): Promise<void>;
  stop(): Promise<void>;

  /**
   * Keeps a record, or completes the one that is there: its description stands, and its
   * first share if it has one. Returns what stands, also when several trackers keep at once.
   */
  keep(record: FileRecord): Promise<FileRecord>;
  forget(infohash: InfoHash): Promise<void>;

  /** Tells all others; while they cannot be reached it is lost. */
  publish(message: ReplicaMessage): void;
  /** Asks another tracker for all that it holds. */
  snapshotOf(replica: ReplicaId, signal: AbortSignal): Promise<Snapshot>;
}
