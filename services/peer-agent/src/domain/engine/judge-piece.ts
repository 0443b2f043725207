import type { PeerId } from '@enjambre/core/ids';
import type { ActivePiece } from './active-piece.js';
import type { PieceBoard } from './piece-board.js';

/** Whether a piece is right whose blocks are all stored: then it is had, else wanted again. Also, who is found out by it. */
export function judgePiece(
  board: PieceBoard,
  piece: ActivePiece,
): { readonly isRight: boolean; readonly culprits: readonly PeerId[] } {
  const { layout, suspects } = board;
  if (layout.combineBlocks(piece.index, piece.digests()).equals(layout.pieceRoot(piece.index))) {
    board.finish(piece);
    return { isRight: true, culprits: [...suspects.verified(piece)] };
  }
  const culprit = suspects.failed(piece);
  board.reset(piece);
  return { isRight: false, culprits: culprit ? [culprit] : [] };
}
