import type { PeerId } from '@enjambre/core/ids';
import type { ActivePiece } from './picker/active-piece.js';
import type { PiecePicker } from './picker/piece-picker.js';

/**
 * Verifies a piece whose blocks are all stored: it becomes had, or wanted again. Also returns the peers that this
 * exposes.
 */
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
