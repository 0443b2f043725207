import type { Metainfo } from '@enjambre/core/metainfo';
import type { PieceStore } from './piece-store.js';

/** Downloads are assembled in a folder of this name inside the one they go to, so that the last step is a rename. */
export const RESERVED_NAME = '.incomplete';

/** Where content is, or will be: `name` in `folder`, an absolute path. */
export interface Place {
  readonly folder: string;
  readonly name: string;
}

/** How a place lies to another: the very same, somewhere in what the other is, or neither. */
export type PlaceRelation = 'same' | 'inside' | 'apart';

/** What is known of content by its names, and of the sizes of its files. */
export type Named = Pick<Metainfo, 'infohash' | 'name' | 'isFolder' | 'files'>;

export interface StoreFactory {
  /** Content that is shared where it lies. */
  original(metainfo: Metainfo, path: string): PieceStore;
  /** A download that ends up in `folder`; `inPlace` if it has its name there already. */
  download(metainfo: Metainfo, folder: string, inPlace: boolean): PieceStore;
  /**
   * Throws `invalid` BAD_NAME, `already-exists` PATH_EXISTS or `denied` PATH_NOT_WRITABLE
   * if a download could not go there. With a `size`, what has the name already may stay if
   * it could be the very same: something of that size, or a folder. True if nothing has the name, and that is known.
   */
  checkTarget(folder: string, name: string, size?: number): Promise<boolean>;
  /**
   * Tries in the folder itself what would otherwise fail when all of a download is fetched: its names, its
   * largest file, its move to its place. Throws `precondition` NAME_REFUSED, NAMES_COLLIDE or
   * OTHER_FILE_SYSTEM, `invalid` NAME_TOO_LONG, `exhausted` FILE_TOO_LARGE, and what a disk refuses.
   */
  rehearse(content: Named, folder: string): Promise<void>;
  /** What may still be written in a folder that is there: bytes, files, and on which device. Undefined where nobody can say. Throws `unavailable`, DISK_SILENT. */
  room(folder: string): Promise<{ device: bigint; bytes: number; files: number } | undefined>;
  /**
   * Moves what is assembled of a download to where one into another folder is assembled. Throws
   * `precondition`, ELSEWHERE, if that is another file system.
   */
  moveDownload(metainfo: Metainfo, from: string, to: string): Promise<void>;
  /** How one place lies to another, as the file system sees it. Throws `unavailable`, DISK_SILENT, if that of the first says nothing. */
  relate(place: Place, other: Place): Promise<PlaceRelation>;
}
