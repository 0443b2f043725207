import { LEAF_SIZE } from './leaf-size.js';
import { isPowerOfTwo } from './power-of-two.js';

const KIB = 1024;
const MIB = 1024 * KIB;

/**
 * The longest supported piece. BEP 52 sets no limit, but a piece is verified as a whole, so its length bounds
 * the bytes that a bad peer can waste.
 */
export const MAX_PIECE_LENGTH = 64 * MIB;

const SHORTEST_CHOSEN = 256 * KIB;
const LONGEST_CHOSEN = 16 * MIB;
const FEWEST_PIECES = 1024;

/** True for a power of two from 16 KiB, the minimum of BEP 52, to 64 MiB. */
export function isPieceLength(bytes: number): boolean {
  return isPowerOfTwo(bytes) && bytes >= LEAF_SIZE && bytes <= MAX_PIECE_LENGTH;
}

/**
 * Piece length in bytes for a new torrent of `totalBytes`: the largest power of two that still gives 1,024
 * pieces (so fewer than 2,048), within 256 KiB to 16 MiB.
 */
export function choosePieceLength(totalBytes: number): number {
  let length = SHORTEST_CHOSEN;
  while (length < LONGEST_CHOSEN && totalBytes >= 2 * length * FEWEST_PIECES) length *= 2;
  return length;
}
