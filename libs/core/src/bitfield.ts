import { EnjambreError } from './error.js';

const MAX_LENGTH = 2 ** 31 - 1;

/**
 * A fixed number of bits, one for each piece. Bit `i` is counted from the highest bit of the first byte, as
 * on the wire (BEP 3). An index outside `0 … length - 1` is a RangeError.
 */
export class Bitfield {
  /** The number of bits. */
  readonly length: number;
  /** Padded with zero bytes to whole words; bits from `length` on are always zero. */
  readonly #bytes: Uint8Array;
  /** The same memory. Words are only compared with zero, so the byte order of the machine is irrelevant. */
  readonly #words: Uint32Array;
  #count: number;

  private constructor(length: number) {
    if (!Number.isInteger(length) || length < 0 || length > MAX_LENGTH) {
      throw new RangeError(`a bitfield cannot have ${length} bits`);
    }
    const memory = new ArrayBuffer(Math.ceil(length / 32) * 4);
    this.length = length;
    this.#bytes = new Uint8Array(memory);
    this.#words = new Uint32Array(memory);
    this.#count = 0;
  }

  /** `length` bits (0 to 2^31 - 1), none set. */
  static empty(length: number): Bitfield {
    return new Bitfield(length);
  }

  /** `length` bits (0 to 2^31 - 1), all set. */
  static full(length: number): Bitfield {
    const bitfield = new Bitfield(length);
    const wholeBytes = length >>> 3;
    bitfield.#bytes.fill(0xff, 0, wholeBytes);
    if (length % 8 !== 0) bitfield.#bytes[wholeBytes] = 0xff00 >>> (length % 8);
    bitfield.#count = length;
    return bitfield;
  }

  /**
   * Copies `bytes`: exactly ceil(length / 8) of them, with zeros in the spare bits. Throws `invalid`
   * BAD_BITFIELD otherwise.
   */
  static fromBytes(bytes: Uint8Array, length: number): Bitfield {
    const bitfield = new Bitfield(length);
    const expected = Math.ceil(length / 8);
    if (bytes.length !== expected) {
      throw badBitfield(`a bitfield of ${length} bits takes ${expected} bytes, not ${bytes.length}`);
    }
    if (length % 8 !== 0 && ((bytes[expected - 1] ?? 0) & (0xff >>> (length % 8))) !== 0) {
      throw badBitfield(`a bitfield of ${length} bits must end in zero bits`);
    }
    bitfield.#bytes.set(bytes);
    for (const word of bitfield.#words) bitfield.#count += populationOf(word);
    return bitfield;
  }

  /** Number of set bits. */
  get count(): number {
    return this.#count;
  }

  /** True if every bit is set; also for length 0. */
  isFull(): boolean {
    return this.#count === this.length;
  }

  /** True if no bit is set; also for length 0. */
  isEmpty(): boolean {
    return this.#count === 0;
  }

  /** True if every bit that is set in `other`, of the same length, is also set here. */
  includes(other: Bitfield): boolean {
    if (other.length !== this.length) {
      throw new RangeError(`a bitfield of ${this.length} bits cannot include one of ${other.length}`);
    }
    return this.#words.every((word, at) => ((other.#words[at] ?? 0) & ~word) === 0);
  }

  has(index: number): boolean {
    this.#check(index);
    return (this.#byte(index >>> 3) & (0x80 >>> (index & 7))) !== 0;
  }

  /** Sets a bit; returns true if it was not set. */
  set(index: number): boolean {
    if (this.has(index)) return false;
    this.#bytes[index >>> 3] = this.#byte(index >>> 3) | (0x80 >>> (index & 7));
    this.#count += 1;
    return true;
  }

  /** Clears a bit; returns true if it was set. */
  clear(index: number): boolean {
    if (!this.has(index)) return false;
    this.#bytes[index >>> 3] = this.#byte(index >>> 3) & ~(0x80 >>> (index & 7));
    this.#count -= 1;
    return true;
  }

  /**
   * The lowest index of at least `from` (0 to `length`) that is set in both, or -1. Both must have the same
   * length. Skips stretches without common bits 32 bits at a time.
   */
  nextCommon(other: Bitfield, from: number): number {
    if (other.length !== this.length) {
      throw new RangeError(`bitfields of ${this.length} and ${other.length} bits have no common indexes`);
    }
    if (from === this.length) return -1;
    this.#check(from);
    let at = from >>> 3;
    let common = this.#byte(at) & other.#byte(at) & (0xff >>> (from & 7));
    while (common === 0) {
      at += 1;
      if ((at & 3) === 0) at = this.#nextCommonWord(other, at >>> 2) * 4;
      if (at >= this.#bytes.length) return -1;
      common = this.#byte(at) & other.#byte(at);
    }
    return at * 8 + Math.clz32(common) - 24;
  }

  /** The set bits, ascending. A change during the iteration is seen if its index is still ahead. */
  *indexes(): Iterable<number> {
    for (let i = this.nextCommon(this, 0); i !== -1; i = this.nextCommon(this, i + 1)) yield i;
  }

  /** The bits `32 * at … 32 * at + 31` as one number, the first bit highest; zeros beyond the end. */
  word(at: number): number {
    const first = at * 4;
    const upper = (this.#byte(first) << 24) | (this.#byte(first + 1) << 16);
    return (upper | (this.#byte(first + 2) << 8) | this.#byte(first + 3)) >>> 0;
  }

  /** A copy of the ceil(length / 8) bytes; spare bits are zero. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, Math.ceil(this.length / 8));
  }

  clone(): Bitfield {
    const copy = new Bitfield(this.length);
    copy.#bytes.set(this.#bytes);
    copy.#count = this.#count;
    return copy;
  }

  #check(index: number): void {
    if (!Number.isInteger(index) || index < 0 || index >= this.length) {
      throw new RangeError(`bit ${index} is outside a bitfield of ${this.length} bits`);
    }
  }

  #byte(at: number): number {
    return this.#bytes[at] ?? 0;
  }

  #nextCommonWord(other: Bitfield, from: number): number {
    let at = from;
    while (at < this.#words.length && ((this.#words[at] ?? 0) & (other.#words[at] ?? 0)) === 0) at += 1;
    return at;
  }
}

/** Number of set bits in a 32-bit word, by adding neighbouring bits in parallel. */
function populationOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const nibbles = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

function badBitfield(message: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_BITFIELD', message);
}
