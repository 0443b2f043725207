import { BLOCK_SIZE } from '@enjambre/core/layout';
import { LEAF_SIZE } from '@enjambre/core/merkle';
import { UNLIMITED } from '../limits/byte-bucket.js';

/** A part is what a limit lets through in this time, so that bytes are sent evenly even at a low limit. */
const PART_SECONDS = 0.05;

/** Bytes of a block to send at a time under a limit: whole leaves, at most a block. */
export function partLength(bytesPerSecond: number): number {
  if (bytesPerSecond === UNLIMITED) return BLOCK_SIZE;
  const leaves = Math.floor((bytesPerSecond * PART_SECONDS) / LEAF_SIZE);
  return Math.min(BLOCK_SIZE, Math.max(1, leaves) * LEAF_SIZE);
}
