import { MAX_BENCODE_BYTES, MAX_INTEGER_DIGITS } from './bencode-value.js';
import { StepCount, type Steps } from './steps.js';

const COLON = 0x3a;
const DICT = 0x64;
const END = 0x65;
const INTEGER = 0x69;
const LIST = 0x6c;
const ZERO = 0x30;
/** Digits of the length of the longest byte string. */
const MAX_LENGTH_DIGITS = String(MAX_BENCODE_BYTES).length;
/** With `i`, a sign and `e`. */
const LONGEST_INTEGER = MAX_INTEGER_DIGITS + 3;

/** Where the value of a key lies in the bytes of a dictionary. */
export interface ScannedValue {
  /** Offsets of its first byte and of the byte after its last. */
  readonly start: number;
  readonly end: number;
  /** Strings, numbers, lists and dictionaries in it, keys included. */
  readonly values: number;
  /** The same in the rest of the dictionary. */
  readonly otherValues: number;
}

/**
 * Finds the value of `key` in a bencoded dictionary without decoding anything: needs no memory, whatever the bytes
 * hold. Undefined if the bytes are no dictionary with that key, or are cut off. It does not validate: decode what it
 * finds.
 */
export function* scanFor(bytes: Uint8Array, key: string): Steps<ScannedValue | undefined> {
  return (yield* scanForAll(bytes, [key]))?.get(key);
}

/** The same for several keys at once, of which some may be missing. */
export function* scanForAll<Key extends string>(
  bytes: Uint8Array,
  keys: readonly Key[],
): Steps<ReadonlyMap<Key, ScannedValue> | undefined> {
  const scanner = new Scanner(bytes, 1);
  if (bytes[0] !== DICT) return undefined;
  const wanted = keys.map((key) => ({ key, bytes: Buffer.from(key, 'latin1') }));
  const found = new Map<Key, { start: number; end: number; values: number }>();
  while (bytes[scanner.at] !== END) {
    const name = scanner.string();
    if (!name) return undefined;
    const [start, before] = [scanner.at, scanner.values];
    if (!(yield* scanner.skip())) return undefined;
    const key = wanted.find((each) => each.bytes.equals(name))?.key;
    if (key !== undefined && !found.has(key))
      found.set(key, { start, end: scanner.at, values: scanner.values - before });
  }
  const all = scanner.values;
  return new Map(Array.from(found, ([key, its]) => [key, { ...its, otherValues: all - its.values }]));
}

/**
 * Adds up all integers that follow the string `key` in a bencoded value, at any depth, without decoding anything. Needs
 * no memory. Undefined if the bytes are malformed.
 */
export function* sumOf(bytes: Uint8Array, key: string): Steps<number | undefined> {
  const scanner = new Scanner(bytes, 0, Buffer.from(key, 'latin1'));
  return (yield* scanner.skip()) ? scanner.sum : undefined;
}

class Scanner {
  values = 0;
  /** Sum of the integers that follow `key`. */
  sum = 0;
  #isAfterKey = false;
  readonly #step = new StepCount();

  constructor(
    private readonly bytes: Uint8Array,
    public at: number,
    private readonly key?: Buffer,
  ) {}

  /** Reads a byte string; undefined if there is none. */
  string(): Uint8Array | undefined {
    let length = 0;
    let at = this.at;
    for (let digit = this.#digit(at); digit !== undefined; digit = this.#digit(at)) {
      length = length * 10 + digit;
      at += 1;
      if (at - this.at > MAX_LENGTH_DIGITS) return undefined;
    }
    if (at === this.at || this.bytes[at] !== COLON || at + 1 + length > this.bytes.length) return undefined;
    this.at = at + 1 + length;
    this.values += 1;
    return this.bytes.subarray(at + 1, this.at);
  }

  /** Moves behind one value of any kind. False if it is malformed. */
  *skip(): Steps<boolean> {
    let depth = 0;
    this.#isAfterKey = false;
    do {
      const byte = this.bytes[this.at];
      if (byte === DICT || byte === LIST) {
        depth += 1;
        this.at += 1;
        this.values += 1;
      } else if (byte === END && depth > 0) {
        depth -= 1;
        this.at += 1;
      } else if (byte === INTEGER) {
        const digits = this.bytes.subarray(this.at, this.at + LONGEST_INTEGER).indexOf(END);
        if (digits === -1) return false;
        if (this.#isAfterKey) this.sum += this.#integer(digits);
        this.#isAfterKey = false;
        this.at += digits + 1;
        this.values += 1;
      } else {
        const text = this.string();
        if (!text) return false;
        this.#isAfterKey = this.key?.equals(text) === true;
      }
      if (this.#step.isFull()) yield;
    } while (depth > 0);
    return true;
  }

  #integer(length: number): number {
    return Number(Buffer.from(this.bytes.subarray(this.at + 1, this.at + length)).toString('latin1'));
  }

  #digit(at: number): number | undefined {
    const digit = (this.bytes[at] ?? 0) - ZERO;
    return digit >= 0 && digit <= 9 ? digit : undefined;
  }
}
