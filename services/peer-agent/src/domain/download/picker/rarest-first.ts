import type { Bitfield } from '@enjambre/core/bitfield';
import type { Random } from '../../random.js';

/** Candidates examined per choice: exact below this number, nearly so above, and never slow. */
const SAMPLE = 512;

/**
 * Rarest first, with ties broken at random, so that neighbours fetch different pieces.
 *
 * @param wanted pieces that were not requested
 * @param has pieces the peer has
 * @param availability how many peers have each piece
 * @param admits whether a piece may be chosen; without it, any may
 * @param rarest no wanted piece is rarer than this: the search stops at the first such piece
 * @returns a piece index, or -1 if the peer has no wanted piece
 */
export function rarestFirst(
  wanted: Bitfield,
  has: Bitfield,
  {
    availability,
    rarest,
    random,
    admits,
  }: {
    availability: Uint32Array;
    rarest: number;
    random: Random;
    admits?: ((piece: number) => boolean) | undefined;
  },
): number {
  if (wanted.isEmpty() || has.isEmpty()) return -1;
  const start = Math.floor(random() * wanted.length);
  let best = -1;
  let bestCount = Infinity;
  let wrapped = false;
  let index = wanted.nextCommon(has, start);
  for (let looked = 0; looked < SAMPLE; looked++) {
    if (index === -1 && !wrapped) {
      wrapped = true;
      index = wanted.nextCommon(has, 0);
    }
    if (index === -1 || (wrapped && index >= start)) break;
    const count = availability[index] ?? 0;
    if (count < bestCount && (!admits || admits(index))) {
      best = index;
      bestCount = count;
      if (count <= rarest) break;
    }
    index = index + 1 < wanted.length ? wanted.nextCommon(has, index + 1) : -1;
  }
  return best;
}
