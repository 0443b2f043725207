import type { BlockPlace } from '../block.js';
import type { Part } from './messages.js';
import { BLOCK_SIZE } from '@enjambre/core/layout';
import { LEAF_SIZE } from '@enjambre/core/leaf-size';
import { UNLIMITED } from '../limits/byte-bucket.js';

/** A part is what a limit lets through in this time, so that bytes are sent evenly even at a low limit. */
const PART_SECONDS = 0.05;

/** Bytes of a block to send at a time under a limit: whole leaves, at most a block. Infinity, for whole blocks, without. */
export function partLength(bytesPerSecond: number): number {
  if (bytesPerSecond === UNLIMITED) return Infinity;
  const leaves = Math.floor((bytesPerSecond * PART_SECONDS) / LEAF_SIZE);
  return Math.min(BLOCK_SIZE, Math.max(1, leaves) * LEAF_SIZE);
}

/** The part of a block that begins at `begin`, of this length at most. */
export function partOf(place: BlockPlace, begin: number, atMost: number): Part {
  const rest = place.begin + place.length - begin;
  const length = Math.min(rest, atMost);
  return { piece: place.piece, begin, length, left: rest - length };
}
