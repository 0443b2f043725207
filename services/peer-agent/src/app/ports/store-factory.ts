import type { Metainfo } from '@enjambre/core/metainfo';
import type { Selection } from '../../domain/selection.js';
import type { PieceStore } from './piece-store.js';

/** Downloads are assembled in a folder of this name inside their target folder, so that the last step is a rename. */
export const RESERVED_NAME = '.incomplete';

/** Location of content, present or future: `name` in `folder`, an absolute path. */
export interface Place {
  readonly folder: string;
  readonly name: string;
}

/** Relation of one place to another: the same, inside it, or neither. */
export type PlaceRelation = 'same' | 'inside' | 'apart';

/** The names and file sizes of content. */
export type Named = Pick<Metainfo, 'infohash' | 'name' | 'isFolder' | 'files'>;

export interface StoreFactory {
  /** Content that is shared from where it is. */
  original(metainfo: Metainfo, path: string): PieceStore;
  /**
   * A download whose target is `folder`; `inPlace` if it already has its final name there. Files outside `selection`, by
   * default none, are not looked at.
   */
  download(metainfo: Metainfo, folder: string, inPlace: boolean, selection?: Selection): PieceStore;
  /**
   * Throws `invalid` BAD_NAME, `already-exists` PATH_EXISTS or `denied` PATH_NOT_WRITABLE if a download cannot be
   * placed there. With `size`, an existing entry of that name is accepted if it could be the same content: a file of
   * that size, or a folder; with `replaces`, any entry. Returns true if the name is known to be free, or to become it.
   */
  checkTarget(folder: string, name: string, size?: number, replaces?: boolean): Promise<boolean>;
  /**
   * Tries in the folder itself what could otherwise fail only after the whole download: its names, its largest file,
   * its move to the target. Throws `precondition` NAME_REFUSED, NAMES_COLLIDE or OTHER_FILE_SYSTEM, `invalid`
   * NAME_TOO_LONG, `exhausted` FILE_TOO_LARGE, and disk errors.
   */
  rehearse(content: Named, folder: string): Promise<void>;
  /**
   * Space left in an existing folder: bytes, files, and the device. Undefined if unknown. Throws `unavailable`
   * DISK_SILENT.
   */
  room(folder: string): Promise<{ device: bigint; bytes: number; files: number } | undefined>;
  /**
   * Moves the assembled part of a download to where a download into folder `to` is assembled. Throws `precondition`
   * ELSEWHERE if that is another file system.
   */
  moveDownload(metainfo: Metainfo, from: string, to: string): Promise<void>;
  /**
   * Path of a folder without symbolic links, as far as it exists. Throws `unavailable` DISK_SILENT if its file system
   * does not answer.
   */
  realFolder(folder: string): Promise<string>;
  /**
   * Relation of `place` to `other`, as the file system sees it. Throws `unavailable` DISK_SILENT if the file system of
   * the first does not answer.
   */
  relate(place: Place, other: Place): Promise<PlaceRelation>;
}
