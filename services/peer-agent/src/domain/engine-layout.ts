import type { PieceLayout } from '@enjambre/core/layout';

/** The part of the content layout that the engines use: sizes, and hashes to verify pieces. */
export type EngineLayout = Pick<
  PieceLayout,
  'pieceCount' | 'longestBlock' | 'blockCount' | 'blockSize' | 'combineBlocks' | 'pieceRoot'
>;
