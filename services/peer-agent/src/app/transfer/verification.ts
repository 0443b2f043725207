import { Bitfield } from '@enjambre/core/bitfield';
import type { PieceLayout } from '@enjambre/core/layout';
import { forEachLimited } from '@enjambre/common/async/for-each-limited';
import type { PieceStore } from '../ports/piece-store.js';

/** Maximum number of pieces hashed concurrently. */
const AT_ONCE = 8;
/** Number of pieces hashed before a whole bitfield is trusted. */
const SAMPLE = 3;

interface Verifiable {
  readonly layout: PieceLayout;
  readonly store: PieceStore;
  readonly signal: AbortSignal;
}

/**
 * Hashes pieces on disk and returns the correct ones. Pieces not yet hashed when `signal` aborts count as wrong.
 */
export async function verifyPieces(
  pieces: Iterable<number>,
  { layout, store, signal }: Verifiable,
  checked: (piece: number) => void = () => undefined,
): Promise<Bitfield> {
  const good = Bitfield.empty(layout.pieceCount);
  await forEachLimited(pieces, AT_ONCE, async (piece) => {
    if (signal.aborted) return;
    const root = await store.hashPiece(piece);
    if (root?.equals(layout.pieceRoot(piece))) good.set(piece);
    checked(piece);
  });
  return good;
}

/** True if a few of the claimed pieces, spread over the content, are correct on disk. */
export async function sampleHolds(claimed: Bitfield, parts: Verifiable): Promise<boolean> {
  const sample = new Set<number>();
  for (let pick = 0; pick < SAMPLE; pick++) {
    const from = Math.floor((pick * claimed.length) / SAMPLE);
    const piece = claimed.nextCommon(claimed, from);
    if (piece !== -1) sample.add(piece);
  }
  return (await verifyPieces(sample, parts)).count === sample.size;
}
