import { MAX_BENCODE_DEPTH } from './bencode-value.js';
import { EnjambreError, messageOf } from './error.js';
import type { InfoHash } from './ids.js';

/**
 * Maximum number of names in a file's path: the torrent, its info, the file tree and the file's own entry add
 * four levels.
 */
export const MAX_PATH_DEPTH = MAX_BENCODE_DEPTH - 4;

/** Maximum number of files of a torrent: the limit of trackers. */
export const MAX_FILES = 1_000_000;

/**
 * Maximum number of pieces of a torrent. A metainfo has room for the layers of two million, and no share has more; but
 * files of equal content have one layer, so that a few megabytes could describe billions of pieces.
 */
export const MAX_PIECES = 2 ** 22;

/** One file of a torrent. */
export interface MetainfoFile {
  /** Folders and name below the torrent's folder; for a single-file torrent, only its name. */
  readonly path: readonly string[];
  /** In bytes. */
  readonly length: number;
  /** Root of the file's merkle tree, 32 bytes; an empty file has none. */
  readonly piecesRoot?: Buffer;
  /** Marks the file as executable (BEP 47, attribute x). */
  readonly executable?: true;
}

/**
 * A validated v2 torrent (BEP 52): every root and layer matches the lengths, every layer hashes to its root,
 * and the names can be written to a disk. Its Buffers are views of `bytes`; do not write to them.
 */
export interface Metainfo {
  readonly infohash: InfoHash;
  /** Name of the single file, or of the folder that holds the files. */
  readonly name: string;
  /** In bytes: a power of two from 16 KiB to 64 MiB. */
  readonly pieceLength: number;
  /** In the order of the file tree, which is the order of the pieces. At least one is not empty. */
  readonly files: readonly MetainfoFile[];
  /** False for a single file whose path is `[name]`. */
  readonly isFolder: boolean;
  /** In bytes, at least 1. */
  readonly totalLength: number;
  /**
   * The piece roots, 32 bytes each, of each file longer than a piece; keyed by the file's root in lower-case
   * hex.
   */
  readonly layers: ReadonlyMap<string, Buffer>;
  /** The whole `.torrent` file. */
  readonly bytes: Buffer;
}

/** The error for invalid metainfo; `fault` names the violated rule, as a clause. */
export function badMetainfo(fault: string, cause?: unknown): EnjambreError {
  return new EnjambreError('invalid', 'BAD_METAINFO', `bad metainfo: ${fault}`, { cause });
}

/**
 * The infohash authenticates metainfo that this version refuses: no peer has a better one. A class, since a peer may
 * send any reason as a status, but only an own parse makes this.
 */
export class UnusableTorrent extends EnjambreError {
  constructor(cause: unknown) {
    const message = `no peer can help, since the torrent itself cannot be used: ${messageOf(cause)}`;
    super('invalid', 'UNUSABLE_TORRENT', message, { cause });
  }
}
