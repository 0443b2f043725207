import type { Bitfield } from '@enjambre/core/bitfield';
import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Ban } from '../../domain/ban-list.js';
import type { InboxEntry } from '../../domain/inbox.js';
import type { KnownName } from '../../domain/known-names.js';
import type { OwnPublication } from '../../domain/publication.js';
import type { TransferRecord } from '../../domain/transfer-record.js';

/** Durable record of which pieces of one download are on disk; survives crashes. */
export interface ProgressLog {
  /**
   * `have` had been synced to the disk; `unsure` was verified, but may not have been synced.
   * Undefined if the saved state is unreadable: only hashing can then tell which pieces are there.
   */
  load(pieceCount: number): Promise<{ have: Bitfield; unsure: readonly number[] } | undefined>;
  /** Records a verified piece. Survives a crash of the process, but perhaps not of the machine. */
  note(piece: number): void;
  /** Records that all of `have` is synced to the disk: call `PieceStore.flush` first. */
  save(have: Bitfield): Promise<void>;
  /** Deletes everything saved and noted; a crash does not bring it back. */
  clear(): Promise<void>;
}

/** The transfer records, metainfo and progress in the data folder. */
export interface TransferArchive {
  load(): Promise<TransferRecord[]>;
  /**
   * Resolves when these records survive any crash; records of other transfers stay as they were saved. The cost depends
   * on the given records only, not on how many others there are; concurrent calls share disk syncs. After a failure
   * some of the records may have been saved: save them all again.
   */
  save(records: readonly TransferRecord[]): Promise<void>;
  readMetainfo(infohash: InfoHash): Promise<Metainfo | undefined>;
  writeMetainfo(metainfo: Metainfo): Promise<void>;
  progress(infohash: InfoHash): ProgressLog;
  /** The transfer no longer exists, through any crash, whatever is saved later. */
  disown(infohash: InfoHash): Promise<void>;
  /** Reverts {@link disown}: the transfer exists, or exists again. */
  keep(infohash: InfoHash): void;
  /** Deletes all files and the record of a transfer. */
  remove(infohash: InfoHash): Promise<void>;
}

/** Persists the ban list. */
export interface BanArchive {
  load(): Promise<Ban[]>;
  /** Resolves when exactly these bans survive a crash. */
  save(bans: readonly Ban[]): Promise<void>;
}

/** Persists the peers that were met first under their names. */
export interface NameArchive {
  load(): Promise<KnownName[]>;
  /** Resolves when exactly these names survive a crash. */
  save(names: readonly KnownName[]): Promise<void>;
}

/** The newest publication of a name, of content that this agent no longer has. */
export interface PublishedName extends OwnPublication {
  readonly name: string;
  readonly infohash: InfoHash;
}

/** Persists the last number of names, so that the next content gets the next one. */
export interface PublishedNameArchive {
  load(): Promise<PublishedName[]>;
  /** Resolves when exactly these survive a crash. */
  save(names: readonly PublishedName[]): Promise<void>;
}

/** Persists an inbox. */
export interface InboxArchive {
  load(): Promise<InboxEntry[]>;
  /** Resolves when the entries survive a crash. */
  append(entries: readonly InboxEntry[]): Promise<void>;
  /** Replaces all saved entries with these. */
  replace(entries: Iterable<InboxEntry>): Promise<void>;
}
