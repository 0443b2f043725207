import type { Bitfield } from '@enjambre/core/bitfield';
import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Ban } from '../../domain/ban-list.js';
import type { InboxEntry } from '../../domain/inbox.js';
import type { TransferRecord } from '../../domain/transfer-record.js';

/** What is known to be on disk of one download, through crashes. */
export interface ProgressLog {
  /**
   * `have` was on the disk itself; `unsure` was verified, but may not have reached it.
   * Undefined if what was saved cannot be read: only hashing tells what is there.
   */
  load(pieceCount: number): Promise<{ have: Bitfield; unsure: readonly number[] } | undefined>;
  /** A piece was verified. Survives the end of the process, but maybe not of the machine. */
  note(piece: number): void;
  /** All of `have` is on the disk itself: call `PieceStore.flush` first. */
  save(have: Bitfield): Promise<void>;
  /** Nothing is there any more: what was saved and noted is forgotten, through any crash. */
  clear(): Promise<void>;
}

/** The data folder. */
export interface TransferArchive {
  load(): Promise<TransferRecord[]>;
  /**
   * Resolves when these records survive any crash; those of other transfers stay as they were saved. Costs what they
   * take, however many others there are; calls made at the same time share the syncs of the disk. After a failure
   * some of them may have been saved: save them again.
   */
  save(records: readonly TransferRecord[]): Promise<void>;
  readMetainfo(infohash: InfoHash): Promise<Metainfo | undefined>;
  writeMetainfo(metainfo: Metainfo): Promise<void>;
  progress(infohash: InfoHash): ProgressLog;
  /** There is no such transfer from now on, through any crash, whatever is saved. */
  disown(infohash: InfoHash): Promise<void>;
  /** Takes {@link disown} back: there is such a transfer, or there is one again. */
  keep(infohash: InfoHash): void;
  /** Forgets all files and the record of a transfer. */
  remove(infohash: InfoHash): Promise<void>;
}

/** Where the ban list is kept. */
export interface BanArchive {
  load(): Promise<Ban[]>;
  /** Resolves when these, and no others, survive a crash. */
  save(bans: readonly Ban[]): Promise<void>;
}

/** Where an inbox is kept. */
export interface InboxArchive {
  load(): Promise<InboxEntry[]>;
  /** Resolves when the entries survive a crash. */
  append(entries: readonly InboxEntry[]): Promise<void>;
  /** Puts these in the place of all before. */
  replace(entries: Iterable<InboxEntry>): Promise<void>;
}
