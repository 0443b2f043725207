import type { Bitfield } from './bitfield.js';
import { leavesOfPiece } from './file-root.js';
import { LEAF_SIZE } from './leaf-size.js';
import { HASH_SIZE, merkleRoot, zeroRoot } from './merkle.js';
import type { Metainfo, MetainfoFile } from './metainfo.js';

/** Bytes of a block, the unit of transfer; a shorter piece is a single block. */
export const BLOCK_SIZE = 256 * 1024;

/** The pieces of one non-empty file. */
interface Run {
  /** Index of its first piece in the torrent. */
  readonly first: number;
  /** Index of the file in the metainfo. */
  readonly file: number;
  /** Bytes of the file. */
  readonly length: number;
  /** Expected roots of the pieces, 32 bytes each. */
  readonly roots: Buffer;
  /** Width in leaves of the tree of each piece. */
  readonly leaves: number;
}

/** Layouts in use, by metainfo: that of 100,000 files takes milliseconds and megabytes. */
const layouts = new WeakMap<Metainfo, PieceLayout>();

/**
 * The positions and expected hashes of the pieces and blocks of a torrent. Pieces are numbered through the
 * files in order; each non-empty file starts a new piece, so its last piece may be short (BEP 52). Blocks are
 * numbered within their piece. An index out of range is a RangeError. A look-up takes O(log files).
 */
export class PieceLayout {
  /** Pieces of the whole torrent, at least 1. */
  readonly pieceCount: number;
  /** Bytes of the whole torrent. */
  readonly totalLength: number;
  /** Bytes of a block that is not shortened by the end of a file. */
  readonly longestBlock: number;
  readonly #pieceLength: number;
  readonly #runs: readonly Run[];

  /** The layout of a metainfo; repeated calls return the same object. */
  static of(metainfo: Metainfo): PieceLayout {
    const layout = layouts.get(metainfo) ?? new PieceLayout(metainfo);
    layouts.set(metainfo, layout);
    return layout;
  }

  constructor(metainfo: Metainfo) {
    const runs: Run[] = [];
    let first = 0;
    metainfo.files.forEach((file, index) => {
      if (file.length === 0) return;
      const leaves = leavesOfPiece(file.length, metainfo.pieceLength);
      runs.push({ first, file: index, length: file.length, roots: rootsOf(metainfo, file), leaves });
      first += Math.ceil(file.length / metainfo.pieceLength);
    });
    this.pieceCount = first;
    this.totalLength = metainfo.totalLength;
    this.#pieceLength = metainfo.pieceLength;
    this.longestBlock = Math.min(BLOCK_SIZE, metainfo.pieceLength);
    this.#runs = runs;
  }

  /** Bytes of a piece. */
  pieceSize(index: number): number {
    const run = this.#runOf(index);
    return Math.min(this.#pieceLength, run.length - this.#offset(run, index));
  }

  /** Total bytes of the pieces set in `pieces`, which has one bit per piece. Takes O(files). */
  bytesOf(pieces: Bitfield): number {
    if (pieces.length !== this.pieceCount) {
      throw new RangeError(`${pieces.length} bits do not match ${this.pieceCount} pieces`);
    }
    if (pieces.isFull()) return this.totalLength;
    let bytes = pieces.count * this.#pieceLength;
    for (const { first, length } of this.#runs) {
      const count = Math.ceil(length / this.#pieceLength);
      if (pieces.has(first + count - 1)) bytes -= count * this.#pieceLength - length;
    }
    return bytes;
  }

  /**
   * The file of a piece, as an index of `metainfo.files`, and the offset in the file where the piece begins.
   */
  pieceFile(index: number): { file: number; offset: number } {
    const run = this.#runOf(index);
    return { file: run.file, offset: this.#offset(run, index) };
  }

  /** The pieces of a file, an index of `metainfo.files`: none if the file is empty. */
  filePieces(file: number): { first: number; count: number } {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle]?.file ?? 0) < file) low = middle + 1;
      else high = middle;
    }
    const run = this.#runs[low];
    if (run?.file !== file) return { first: 0, count: 0 };
    return { first: run.first, count: Math.ceil(run.length / this.#pieceLength) };
  }

  /** The expected hash of a piece, 32 bytes: a view, do not write to it. */
  pieceRoot(index: number): Buffer {
    const run = this.#runOf(index);
    const at = (index - run.first) * HASH_SIZE;
    return run.roots.subarray(at, at + HASH_SIZE);
  }

  /** Width in leaves (a power of two) of the tree of a piece; missing leaves are zero. */
  pieceLeaves(index: number): number {
    return this.#runOf(index).leaves;
  }

  /** Blocks of a piece, at least 1. */
  blockCount(index: number): number {
    return Math.ceil(this.pieceSize(index) / this.longestBlock);
  }

  /** Bytes of a block; its offset in the piece is `block` × min(BLOCK_SIZE, piece length). */
  blockSize(index: number, block: number): number {
    const size = this.pieceSize(index);
    const offset = block * this.longestBlock;
    if (!Number.isInteger(block) || block < 0 || offset >= size) {
      throw new RangeError(
        `block ${block} is outside piece ${index}, which has ${this.blockCount(index)} blocks`,
      );
    }
    return Math.min(this.longestBlock, size - offset);
  }

  /**
   * Width in leaves (a power of two) of the tree of each block of a piece: hash a block with `subtreeRoot`.
   */
  blockLeaves(index: number): number {
    return Math.min(this.longestBlock / LEAF_SIZE, this.pieceLeaves(index));
  }

  /**
   * The root of a piece, computed from the roots of all its blocks in order, each the `subtreeRoot` of a
   * block with width `blockLeaves`. Throws RangeError for another number of blocks.
   */
  combineBlocks(index: number, roots: readonly Uint8Array[]): Buffer {
    if (roots.length !== this.blockCount(index)) {
      throw new RangeError(`piece ${index} has ${this.blockCount(index)} blocks, not ${roots.length}`);
    }
    const blockLeaves = this.blockLeaves(index);
    return merkleRoot(Buffer.concat(roots), this.pieceLeaves(index) / blockLeaves, zeroRoot(blockLeaves));
  }

  /** The last run that begins at or before `index`. */
  #runOf(index: number): Run {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#runs[middle]?.first ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const run = this.#runs[low];
    if (run === undefined || !Number.isInteger(index) || index < 0 || index >= this.pieceCount) {
      throw new RangeError(`piece ${index} is outside a torrent of ${this.pieceCount} pieces`);
    }
    return run;
  }

  #offset(run: Run, index: number): number {
    return (index - run.first) * this.#pieceLength;
  }
}

function rootsOf(metainfo: Metainfo, file: MetainfoFile): Buffer {
  const root = file.piecesRoot;
  const roots = root && file.length > metainfo.pieceLength ? metainfo.layers.get(root.toString('hex')) : root;
  if (roots === undefined) throw new RangeError('the metainfo lacks the roots of a file');
  return roots;
}
