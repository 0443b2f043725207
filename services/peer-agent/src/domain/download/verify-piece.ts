import type { PeerId } from '@enjambre/core/ids';
import type { ActivePiece } from './picker/active-piece.js';
import type { PiecePicker } from './picker/piece-picker.js';

/** Whether a piece is right whose blocks are all stored: then it is had, else wanted again. Also, who is found out by it. */
export function verifyPiece(
  picker: PiecePicker,
  piece: ActivePiece,
): { readonly isRight: boolean; readonly culprits: readonly PeerId[] } {
  const { layout, smartBan } = picker;
  if (layout.combineBlocks(piece.index, piece.digests()).equals(layout.pieceRoot(piece.index))) {
    picker.finish(piece);
    return { isRight: true, culprits: [...smartBan.verified(piece)] };
  }
  const culprit = smartBan.failed(piece);
  picker.reset(piece);
  return { isRight: false, culprits: culprit ? [culprit] : [] };
}
