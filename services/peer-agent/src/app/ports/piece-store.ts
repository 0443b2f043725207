import type { Bitfield } from '@enjambre/core/bitfield';

/** Reason of a failed {@link PieceStore.write}: the bytes are gone, and it may be tried with others. */
export const BLOCK_LOST = 'BLOCK_LOST';

/** What a look at files found. */
export interface Survey {
  /** Path of one that is not there; undefined if all are. */
  readonly absent?: string;
  /** If all are there: a text that changes when one of them does. */
  readonly look: string;
}

/** Why an uploader withdraws a file whose bytes are others than they were. */
export const CONTENT_CHANGED = 'CONTENT_CHANGED';

/** The files of one transfer. Failures are `EnjambreError`s that say what to do. */
export interface PieceStore {
  /** Where the content is now: the file itself, or the folder. */
  readonly path: string;
  /** Fills `into` with as many bytes of a piece, from `begin` on. */
  read(place: { piece: number; begin: number }, into: Buffer): Promise<void>;
  /** Writes a block and returns the root of its leaves. `data` belongs to the store from then on. Throws BLOCK_LOST besides. */
  write(piece: number, block: number, data: Buffer): Promise<Buffer>;
  /** Hashes pieces as they are on disk; undefined for one that is not there. */
  hashPiece(piece: number): Promise<Buffer | undefined>;
  /**
   * These verified pieces are there: from now on, until {@link close}, the files that they
   * are in must stay the very same, as must those that are written to. If they do not, this,
   * {@link write}, {@link flush} and {@link publish} throw `precondition` FILE_MISSING or
   * FILE_CHANGED; what is claimed of them then is in doubt.
   */
  hold(have: Bitfield): Promise<void>;
  /** What was written is on the disk itself when this resolves. Once it failed, it does so until {@link close}. */
  flush(): Promise<void>;
  /**
   * Moves a complete download to where it belongs. Undefined if it is there already; else what the
   * file system did not take of it and it does without, in a sentence; empty if it took all.
   */
  publish(): Promise<string | undefined>;
  /** Bytes that its files take on the disk by now: less than their length where they have holes. */
  allocated(): Promise<number>;
  /** True if anything is at {@link path}. */
  exists(): Promise<boolean>;
  /** Looks which files are there; of these only, if they are given by index. Throws as {@link read} does. */
  survey(files?: Iterable<number>): Promise<Survey>;
  /**
   * A text that changes when any file is another one, or was written to: it is made of size, times, inode and device.
   * Undefined if a file is missing or has another size than it should.
   */
  fingerprint(): Promise<string | undefined>;
  /**
   * From now on the files must stay as they are, or as the last {@link fingerprint} found them if that was `since`.
   * {@link read} gives no byte of one that changed before its piece was hashed and is right; it throws `precondition`
   * CONTENT_CHANGED otherwise. Returns the fingerprint of what is sealed.
   */
  seal(since?: string): Promise<string | undefined>;
  /**
   * Looks whether some sealed files, other ones each time, still are as they were, and hashes those that are not. Returns
   * the new fingerprint if there is one: the content is right all the same. Throws as {@link read} does.
   */
  patrol(): Promise<string | undefined>;
  /** What the content is told from any other by, under whatever name in its file system; empty if it is not there. */
  identity(): Promise<string>;
  /** Files of the metainfo that are not there. */
  missingFiles(): Promise<number[]>;
  /** Deletes files that the metainfo names, as far as `rules` let it, and folders that became empty by that. */
  delete(rules: DeletionRules): Promise<Deletion>;
  close(): Promise<void>;
}

/** Which files of a transfer may be deleted. */
export interface DeletionRules {
  readonly isOwn: (file: number) => boolean;
  /** Why those stay that are not. */
  readonly notOwn: KeptReason;
  /** Whatever they hold; if not, only what the metainfo says. */
  readonly anyContent: boolean;
  /** See {@link PieceStore.fingerprint}: files that look like this need not be read. */
  readonly fingerprint: string;
}

/**
 * Why something stays: it was there before the download (`taken-over`), or nothing is noted of that (`unknown`); it is
 * not what was downloaded any more (`changed`); a link, folder or device is in its place (`replaced`); or it is no part of
 * the transfer (`foreign`).
 */
export type KeptReason = 'taken-over' | 'unknown' | 'changed' | 'replaced' | 'foreign';

export interface KeptPath {
  readonly path: string;
  readonly reason: KeptReason;
}

/** What became of the files. */
export interface Deletion {
  readonly deleted: number;
  readonly kept: number;
  /** Some of those that stay: {@link MAX_KEPT_PATHS} at most. */
  readonly paths: readonly KeptPath[];
}

export const MAX_KEPT_PATHS = 20;
