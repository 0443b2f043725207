import type { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Bitfield } from '@enjambre/core/bitfield';

/** Reason of a failed {@link PieceStore.write}: the block is lost; another write may succeed. */
export const BLOCK_LOST = 'BLOCK_LOST';

/** Result of {@link PieceStore.survey}. */
export interface Survey {
  /** Path of a missing file; undefined if all exist. */
  readonly absent?: string;
  /** If all exist: a text that changes when one of them changes. */
  readonly look: string;
}

/** Reason for which an uploader withdraws a file whose bytes have changed. */
export const CONTENT_CHANGED = 'CONTENT_CHANGED';

/** How {@link PieceStore.publish} ended. */
export type Publication =
  | {
      readonly isTaken: false;
      /**
       * Undefined if the download was already there. Otherwise one sentence on what the file system refused and the
       * download does without; empty if it refused nothing.
       */
      readonly warning: string | undefined;
    }
  /** Something else exists at the target, as `error` says: `already-exists` PATH_EXISTS. The download stays where it was. */
  | { readonly isTaken: true; readonly error: EnjambreError };

/** The files of one transfer. Failures are `EnjambreError`s that name the next step. */
export interface PieceStore {
  /** Current location of the content: the file itself, or the folder. */
  readonly path: string;
  /** Fills `into` with bytes of a piece, starting at `begin`. */
  read(place: { piece: number; begin: number }, into: Buffer): Promise<void>;
  /** Writes a block and returns the root of its leaves. Takes ownership of `data`. May also throw BLOCK_LOST. */
  write(piece: number, block: number, data: Buffer): Promise<Buffer>;
  /** Hashes a piece as it is on disk; undefined if it is missing. */
  hashPiece(piece: number): Promise<Buffer | undefined>;
  /**
   * Declares these verified pieces present: until {@link close}, the files that hold them, and those that are written
   * to, must stay the same files. If one does not, this, {@link write}, {@link flush} and {@link publish} throw
   * `precondition` FILE_MISSING or FILE_CHANGED; the claimed pieces are then in doubt.
   */
  hold(have: Bitfield): Promise<void>;
  /** Resolves when all written bytes are synced to the disk. After a failure to sync, every call fails until {@link close}. */
  flush(): Promise<void>;
  /**
   * Moves a complete download to its target.
   *
   * @param replaced if set, what has the name is replaced: a file by a file at once, so that the target is always the
   *   old or the new one, also after a crash. A folder, or with one, is moved aside just before, and so is a file if
   *   these contents are none: see {@link discardReplaced}
   */
  publish(replaced?: readonly ReplacedContent[]): Promise<Publication>;
  /**
   * Ends what {@link publish} has moved aside: deletes the files in it that these contents name and own, and moves what is
   * left to another name beside the target. Returns a sentence on the rest; empty if there is none.
   */
  discardReplaced(replaced: readonly ReplacedContent[]): Promise<string>;
  /** Gives what {@link publish} has moved aside its name back, if a crash came before the new content had the name. */
  putBackReplaced(): Promise<void>;
  /**
   * Moves what {@link publish} has moved aside to its name, or to one beside it if the name is taken. Returns its path;
   * empty if there is nothing.
   */
  releaseReplaced(): Promise<string>;
  /** Bytes that its files currently occupy on disk: less than their length if they are sparse. */
  allocated(): Promise<number>;
  /** True if anything exists at {@link path}. */
  exists(): Promise<boolean>;
  /** Checks which files exist; only the given ones, by index, if `files` is set. Throws as {@link read} does. */
  survey(files?: Iterable<number>): Promise<Survey>;
  /**
   * A text that changes when any file is replaced or written to; built from size, times, inode and device. Undefined if
   * a file is missing or has the wrong size.
   */
  fingerprint(): Promise<string | undefined>;
  /**
   * Starts the integrity check: from now on the files must stay as they are, or as the {@link fingerprint} call that
   * returned `since` found them. {@link read} returns no byte of a changed file until its piece is hashed and correct;
   * otherwise it throws `precondition` CONTENT_CHANGED. Returns the fingerprint of the sealed files.
   */
  seal(since?: string): Promise<string | undefined>;
  /**
   * One step of the background scrub: checks some sealed files for changes, the next ones with each call, and hashes
   * those that changed. Returns the new fingerprint if a changed file still has the right content. Throws as {@link
   * read} does.
   */
  patrol(): Promise<string | undefined>;
  /** Identifies the content on its file system, whatever its name; empty if it is missing. */
  identity(): Promise<string>;
  /**
   * Indexes of the metainfo's files that are missing. Until {@link close}, {@link write} throws `precondition`
   * FILE_CHANGED instead of writing to what has appeared in the place of one.
   */
  missingFiles(): Promise<number[]>;
  /** Deletes files named by the metainfo, as far as `rules` allow, and the folders that this leaves empty. */
  delete(rules: DeletionRules): Promise<Deletion>;
  close(): Promise<void>;
}

/** Content of a transfer that a new one replaces. */
export interface ReplacedContent {
  readonly metainfo: Metainfo;
  readonly rules: DeletionRules;
}

/** Which files of a transfer may be deleted. */
export interface DeletionRules {
  readonly isOwn: (file: number) => boolean;
  /** Why files that are not own are kept. */
  readonly notOwn: KeptReason;
  /** Deletes files whatever they contain; if false, only those that match the metainfo. */
  readonly anyContent: boolean;
  /** See {@link PieceStore.fingerprint}: files that match it need not be read. */
  readonly fingerprint: string;
}

/**
 * Why something is kept: it existed before the download (`taken-over`), or there is no record of that (`unknown`); it
 * is no longer what was downloaded (`changed`); a link, folder or device is in its place (`replaced`); or it is not
 * part of the transfer (`foreign`).
 */
export type KeptReason = 'taken-over' | 'unknown' | 'changed' | 'replaced' | 'foreign';

export interface KeptPath {
  readonly path: string;
  readonly reason: KeptReason;
}

/** Result of {@link PieceStore.delete}. */
export interface Deletion {
  readonly deleted: number;
  readonly kept: number;
  /** Some of the kept paths: at most {@link MAX_KEPT_PATHS}. */
  readonly paths: readonly KeptPath[];
}

export const MAX_KEPT_PATHS = 20;
