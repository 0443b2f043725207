import type { Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { formatBytes } from './text.js';

type Sizes = Pick<Transfer, 'sizeBytes' | 'selectedBytes'>;

/** Bytes that a transfer has when it is complete: those of its selected files. An older agent selects all. */
export function selectedBytesOf({ sizeBytes, selectedBytes }: Sizes): bigint {
  return selectedBytes === 0n ? sizeBytes : selectedBytes;
}

/** True if not all files of a transfer are selected. */
export function isPart(sizes: Sizes): boolean {
  return selectedBytesOf(sizes) !== sizes.sizeBytes;
}

/** The same for its pieces. */
export function selectedPiecesOf(transfer: Transfer): number {
  return isPart(transfer) ? transfer.selectedPieceCount : transfer.pieceCount;
}

/** The size of a transfer: of a part, with that of the whole. */
export function sizeText(sizes: Sizes): string {
  const whole = formatBytes(sizes.sizeBytes);
  return isPart(sizes) ? `${formatBytes(selectedBytesOf(sizes))} of ${whole}` : whole;
}
