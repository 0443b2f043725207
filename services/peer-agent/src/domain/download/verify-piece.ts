import type { PeerId } from '@enjambre/core/ids';
import type { ActivePiece } from './picker/active-piece.js';
import type { PiecePicker } from './picker/piece-picker.js';

/**
 * Verifies a piece whose blocks are all stored: it becomes had, or wanted again. Also returns the peers that this
 * exposes.
 *
 * @param links number of links so far
 */
export function verifyPiece(
  picker: PiecePicker,
  piece: ActivePiece,
  links: number,
): { readonly isRight: boolean; readonly culprits: readonly PeerId[] } {
  const { layout, smartBan } = picker;
  const isRight = layout.combineBlocks(piece.index, piece.digests()).equals(layout.pieceRoot(piece.index));
  const sole = isRight ? undefined : smartBan.failed(piece);
  const found = isRight ? smartBan.verified(piece) : sole ? [sole] : [];
  if (isRight) picker.finish(piece);
  else picker.reset(piece);
  return { isRight, culprits: found.filter((one) => smartBan.report(one, links)).map(({ peer }) => peer) };
}
