import { LEAF_SIZE } from './leaf-size.js';
import { HASH_SIZE, merkleSteps, zeroRoot } from './merkle.js';
import { nextPowerOfTwo } from './power-of-two.js';
import { runSteps, type Steps } from './steps.js';

/**
 * Width in leaves of the tree of one piece: the whole piece if the file is longer than one piece, otherwise
 * the next power of two of the file's own leaves. The file has at least 1 byte. Source: BEP 52.
 */
export function leavesOfPiece(fileLength: number, pieceLength: number): number {
  return nextPowerOfTwo(Math.ceil(Math.min(fileLength, pieceLength) / LEAF_SIZE));
}

/**
 * The pieces root of a file of at least 1 byte, computed from the roots of its pieces, 32 bytes each (each a
 * tree of `leavesOfPiece`, missing leaves zero). The only piece of a file of at most `pieceLength` bytes is
 * its root; the pieces of a longer file are padded with the root of an all-zero piece. Throws RangeError if
 * the number of roots is not the file's number of pieces. Source: BEP 52.
 */
export function fileRoot(pieceRoots: Uint8Array, fileLength: number, pieceLength: number): Buffer {
  return runSteps(fileRootSteps(pieceRoots, fileLength, pieceLength));
}

/** {@link fileRoot} in steps. */
export function* fileRootSteps(
  pieceRoots: Uint8Array,
  fileLength: number,
  pieceLength: number,
): Steps<Buffer> {
  const pieces = Math.ceil(fileLength / pieceLength);
  if (pieces < 1 || pieceRoots.length !== pieces * HASH_SIZE) {
    throw new RangeError(`${pieceRoots.length} bytes are not the roots of ${pieces} pieces`);
  }
  return yield* merkleSteps(pieceRoots, nextPowerOfTwo(pieces), zeroRoot(pieceLength / LEAF_SIZE));
}
