import { MAX_BENCODE_DEPTH } from './bencode-value.js';
import { EnjambreError } from './error.js';
import type { InfoHash } from './ids.js';

/** Names in the path of a file, at most: the torrent, its info, the file tree and the file's own entry stand around them. */
export const MAX_PATH_DEPTH = MAX_BENCODE_DEPTH - 4;

/** Files of a torrent, at most: a tracker lists no more. */
export const MAX_FILES = 1_000_000;

/** One file of a torrent. */
export interface MetainfoFile {
  /** Folders and name below the torrent's folder; of a torrent that is a single file, its name alone. */
  readonly path: readonly string[];
  /** In bytes. */
  readonly length: number;
  /** Root of the file's merkle tree, 32 bytes; an empty file has none. */
  readonly piecesRoot?: Buffer;
  /** To be made executable (BEP 47, attribute x). */
  readonly executable?: true;
}

/**
 * A checked v2 torrent (BEP 52): every root and layer fits the lengths, every layer hashes to its
 * root, and the names can be written to a disk. Its Buffers are views of `bytes`; do not write to them.
 */
export interface Metainfo {
  readonly infohash: InfoHash;
  /** Of the single file, or of the folder that holds the files. */
  readonly name: string;
  /** In bytes: a power of two from 16 KiB to 64 MiB. */
  readonly pieceLength: number;
  /** In the order of the file tree, which is that of the pieces. At least one is not empty. */
  readonly files: readonly MetainfoFile[];
  /** False for a single file whose path is `[name]`. */
  readonly isFolder: boolean;
  /** In bytes, at least 1. */
  readonly totalLength: number;
  /** For each file longer than a piece, by its root in lower-case hex: the roots of its pieces, 32 bytes each. */
  readonly layers: ReadonlyMap<string, Buffer>;
  /** The whole `.torrent` file. */
  readonly bytes: Buffer;
}

/** The error for metainfo that breaks a rule; `fault` says which, as a clause. */
export function badMetainfo(fault: string, cause?: unknown): EnjambreError {
  return new EnjambreError('invalid', 'BAD_METAINFO', `bad metainfo: ${fault}`, { cause });
}
