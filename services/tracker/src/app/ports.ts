import type { InfoHash } from '@enjambre/core/ids';
import type { FileRecord } from '../domain/catalogue.js';
import type { Publication } from '../domain/publications.js';
import type { ReplicaId, ReplicaMessage, Snapshot } from '../domain/replica-state.js';

/** Receives the messages of other trackers from a store, and provides this tracker's snapshot. */
export interface StoreListener {
  /** Other trackers are reachable (again): messages sent meanwhile may have been missed. */
  reachable(): void;
  /** A message from another tracker; in order for each tracker, possibly with gaps. */
  heard(message: ReplicaMessage): void;
  /**
   * The current state of a record; undefined if it was forgotten. Called for all records after each
   * {@link reachable}.
   */
  recorded(infohash: InfoHash, record: FileRecord | undefined): void;
  /** What the network knows of a name and publisher; called as {@link recorded} is. */
  published(publication: Publication): void;
  /** This tracker's snapshot, for a tracker that requests it. */
  snapshot(): Snapshot;
}

/**
 * State shared by the trackers of a network: records of files, which outlive the trackers, and messages about
 * sessions, which do not. Methods that return a promise reject with an EnjambreError `unavailable` while the
 * store is unreachable.
 */
export interface TrackerStore {
  /** False while other trackers are unreachable. */
  readonly connected: boolean;
  /** False also while only records cannot be stored. */
  readonly available: boolean;
  /** True if records outlive the trackers. */
  readonly durable: boolean;
  /** Time after which a record is forgotten that is not written again, in milliseconds; undefined if none is. */
  readonly keptMs: number | undefined;
  /** The largest message of changes, as counted by `batchesOf`. */
  readonly maxMessageBytes: number;
  /** Messages that were foreign or malformed. */
  readonly ignored: number;
  /** Messages of other trackers that did not count, by reason. */
  readonly refused: ReadonlyMap<string, number>;

  /** Resolves when others are reachable and the records are read, or after a short timeout. */
  start(listener: StoreListener): Promise<void>;
  stop(): Promise<void>;

  /**
   * Stores a record, or completes an existing one: its description is kept, and so is its first share if it
   * has one. Returns the stored record, also when several trackers write at once.
   */
  keep(record: FileRecord): Promise<FileRecord>;
  forget(infohash: InfoHash): Promise<void>;
  /**
   * Stores a publication, merged with the stored one, and again if that is unchanged and old. Returns the result, also
   * when several trackers write at once.
   */
  keepPublication(publication: Publication): Promise<Publication>;
  /** @param key see `publicationKey` */
  forgetPublication(key: string): Promise<void>;

  /** Sends a message to all other trackers; it is lost while they are unreachable. */
  publish(message: ReplicaMessage): void;
  /** Requests the snapshot of another tracker. */
  snapshotOf(replica: ReplicaId, signal: AbortSignal): Promise<Snapshot>;
}
