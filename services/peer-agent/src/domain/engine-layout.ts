import type { PieceLayout } from '@enjambre/core/layout';

/** What the engine needs to know of the content: how large its parts are, and whether they are right. */
export type EngineLayout = Pick<
  PieceLayout,
  'pieceCount' | 'longestBlock' | 'blockCount' | 'blockSize' | 'combineBlocks' | 'pieceRoot'
>;
