import { EnjambreError } from '@enjambre/core/error';
import { BLOCK_SIZE, type PieceLayout } from '@enjambre/core/layout';
import { LEAF_SIZE } from '@enjambre/core/leaf-size';
import type { Request } from '@enjambre/proto/gen/enjambre/peer/v1/peer';

/** Throws `invalid` PIECE_OUT_OF_RANGE or BAD_REQUEST. */
export function checkRequest({ piece, begin, length }: Request, layout: PieceLayout): void {
  if (piece >= layout.pieceCount) {
    throw new EnjambreError('invalid', 'PIECE_OUT_OF_RANGE', `there is no piece ${piece}`);
  }
  const size = layout.pieceSize(piece);
  const end = begin + length;
  const aligned = begin % LEAF_SIZE === 0 && (length % LEAF_SIZE === 0 || end === size);
  if (length === 0 || length > BLOCK_SIZE || end > size || !aligned) {
    throw new EnjambreError(
      'invalid',
      'BAD_REQUEST',
      `there is no block of ${length} bytes at ${begin} of piece ${piece}`,
    );
  }
}
