import { ErrorCode, Http2Violation } from './frames.js';

/** Code lengths in bits of each byte, and of the end-of-string symbol (RFC 7541, appendix B). */
// prettier-ignore
const CODE_BITS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];

const END = 256;
const LONGEST = 30;

/** The code is canonical: codes of the same length follow each other in byte order. */
interface Level {
  /** The first code of this length. */
  readonly first: number;
  readonly symbols: readonly number[];
}

/** By number of bits. Made when the first header needs them, which a small command never sees. */
let levels: readonly Level[] | undefined;

function makeLevels(): Level[] {
  const levels: Level[] = [];
  for (let bits = 0, first = 0; bits <= LONGEST; bits++) {
    const symbols = CODE_BITS.flatMap((length, symbol) => (bits > 0 && length === bits ? [symbol] : []));
    levels.push({ first, symbols });
    first = (first + symbols.length) * 2;
  }
  return levels;
}

/** Decodes a string of a header block. Throws {@link Http2Violation}. */
export function decodeHuffman(bytes: Uint8Array): string {
  const text: number[] = [];
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let mask = 0x80; mask > 0; mask >>= 1) {
      code = code * 2 + (byte & mask ? 1 : 0);
      bits += 1;
      const symbol = symbolOf(code, bits);
      if (symbol === undefined) continue;
      if (symbol === END) throw bad();
      text.push(symbol);
      code = 0;
      bits = 0;
    }
  }
  // The rest is a prefix of the end-of-string symbol, which is all ones.
  if (bits > 7 || code !== 2 ** bits - 1) throw bad();
  return Buffer.from(text).toString('latin1');
}

function symbolOf(code: number, bits: number): number | undefined {
  levels ??= makeLevels();
  const level = levels[bits];
  return level?.symbols[code - level.first];
}

function bad(): Http2Violation {
  return new Http2Violation(ErrorCode.compressionError, 'a header with a code that does not exist');
}
