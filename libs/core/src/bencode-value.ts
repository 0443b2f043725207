import { runSteps, sortSteps, StepCount, type Steps } from './steps.js';

/** Maximum size in bytes of a bencoded value, and so of a metainfo. The format has no bound. */
export const MAX_BENCODE_BYTES = 64 * 1024 * 1024;

/**
 * Maximum number of values: 64 MiB could hold 32 million empty lists. A file takes four or five values, so a
 * metainfo can have about 480,000 files. The memory for an untrusted metainfo stays below half a gigabyte,
 * and only for a moment.
 */
export const MAX_BENCODE_VALUES = 2_000_000;

/** Maximum nesting depth of lists and dictionaries. */
export const MAX_BENCODE_DEPTH = 100;

/** Digits of the longest integer: enough for 64 bits, and short enough to parse quickly. */
export const MAX_INTEGER_DIGITS = 19;

/**
 * A bencoded value (BEP 3). Safe integers are numbers, other integers of up to 19 digits are bigints: BEP 3
 * sets no limit, and a torrent may hold a large one in a key that we ignore. Byte strings are Buffers.
 */
export type BencodeValue = number | bigint | Buffer | readonly BencodeValue[] | BencodeDict;

/** An entry, and the range of its value in the decoded input. */
export interface BencodeEntry {
  readonly key: string;
  readonly value: BencodeValue;
  readonly start: number;
  readonly end: number;
}

/**
 * A dictionary, sorted by its keys. A key is a byte string held as a latin1 string, one character (at most
 * U+00FF) per byte, so that strings sort like their bytes. A sorted array instead of a Map: hostile input may
 * hold a million tiny dictionaries.
 */
export class BencodeDict {
  readonly #entries: readonly BencodeEntry[];
  readonly #source: Buffer | undefined;

  /** For the decoder: `entries` sorted by key without duplicates, with their ranges in `source`. */
  constructor(entries: readonly BencodeEntry[], source?: Buffer) {
    this.#entries = entries;
    this.#source = source;
  }

  /** Creates a dictionary for encoding. Throws RangeError for a key with a character above U+00FF. */
  static of(values: ReadonlyMap<string, BencodeValue>): BencodeDict {
    return runSteps(BencodeDict.steps(values));
  }

  /** {@link of} in steps. */
  static *steps(values: ReadonlyMap<string, BencodeValue>): Steps<BencodeDict> {
    const entries: BencodeEntry[] = [];
    const step = new StepCount();
    for (const [key, value] of values) {
      if (/[^\0-\xff]/.test(key)) throw new RangeError('a key of a dictionary must be a latin1 string');
      entries.push({ key, value, start: 0, end: 0 });
      if (step.isFull()) yield;
    }
    return new BencodeDict(yield* sortSteps(entries, byKey));
  }

  get size(): number {
    return this.#entries.length;
  }

  get(key: string): BencodeValue | undefined {
    return this.#find(key)?.value;
  }

  /** The bytes of a value in the decoded input: a view. Throws RangeError if the value was not decoded. */
  raw(key: string): Buffer {
    const entry = this.#find(key);
    if (entry === undefined || this.#source === undefined)
      throw new RangeError('there is no such decoded value');
    return this.#source.subarray(entry.start, entry.end);
  }

  /** Keys and values in key order. */
  *[Symbol.iterator](): IterableIterator<readonly [string, BencodeValue]> {
    for (const { key, value } of this.#entries) yield [key, value];
  }

  #find(key: string): BencodeEntry | undefined {
    let low = 0;
    let high = this.#entries.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const entry = this.#entries[middle];
      if (entry === undefined || entry.key === key) return entry;
      if (entry.key < key) low = middle + 1;
      else high = middle - 1;
    }
    return undefined;
  }
}

/** Keys have one character per byte, so strings sort like their bytes. */
export function byKey(a: BencodeEntry, b: BencodeEntry): number {
  return a.key < b.key ? -1 : Number(a.key > b.key);
}
