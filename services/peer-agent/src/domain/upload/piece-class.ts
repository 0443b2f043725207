/** The pieces among which the uploader may choose: those whose index is `residue` modulo `modulus`. */
export interface PieceClass {
  /** At least 1. */
  readonly modulus: number;
  /** Less than `modulus`. */
  readonly residue: number;
}

/** A set of pieces, read 32 at a time: see Bitfield. */
export interface PieceWords {
  word(at: number): number;
}

const WORD = 32;

/**
 * The lowest piece of a class in [`low`, `high`), or -1. Reads each word of 32 pieces at most once and, for a larger
 * modulus, only words that contain a piece of the class: requesters choose the class, and may choose an empty one.
 */
export function firstOfClass(
  pieces: PieceWords,
  { modulus, residue }: PieceClass,
  { low, high }: { readonly low: number; readonly high: number },
): number {
  const pattern = patternOf(modulus);
  let at = low + ((((residue - low) % modulus) + modulus) % modulus);
  while (at < high) {
    const common = pieces.word(Math.floor(at / WORD)) & (pattern >>> (at % WORD));
    if (common !== 0) {
      const found = at - (at % WORD) + Math.clz32(common);
      return found < high ? found : -1;
    }
    // Skip to the first piece of the class in a later word.
    at += modulus * Math.ceil((WORD - (at % WORD)) / modulus);
  }
  return -1;
}

/** A word with every `modulus`-th bit set, starting with the highest. */
function patternOf(modulus: number): number {
  let pattern = 0;
  for (let bit = 0; bit < WORD; bit += modulus) pattern |= 0x8000_0000 >>> bit;
  return pattern;
}
