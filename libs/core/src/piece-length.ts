import { LEAF_SIZE } from './merkle.js';
import { isPowerOfTwo } from './power-of-two.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * The longest piece taken. BEP 52 sets no limit, but a piece is checked as a whole, so its
 * length bounds what a peer can make us fetch in vain.
 */
export const MAX_PIECE_LENGTH = 64 * MIB;

const SHORTEST_CHOSEN = 256 * KIB;
const LONGEST_CHOSEN = 16 * MIB;
const FEWEST_PIECES = 1024;

/** True for what BEP 52 allows: a power of two of at least 16 KiB; and at most 64 MiB. */
export function isPieceLength(bytes: number): boolean {
  return isPowerOfTwo(bytes) && bytes >= LEAF_SIZE && bytes <= MAX_PIECE_LENGTH;
}

/**
 * The length of pieces, in bytes, for a new torrent of `totalBytes`: the longest power of two that
 * still gives 1,024 pieces (so fewer than 2,048), but from 256 KiB to 16 MiB.
 */
export function choosePieceLength(totalBytes: number): number {
  let length = SHORTEST_CHOSEN;
  while (length < LONGEST_CHOSEN && totalBytes >= 2 * length * FEWEST_PIECES) length *= 2;
  return length;
}
