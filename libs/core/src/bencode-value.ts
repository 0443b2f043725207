import { runSteps, sortSteps, StepCount, type Steps } from './steps.js';

/** The most bytes that a bencoded value, so also a metainfo, may take. The format has no bound. */
export const MAX_BENCODE_BYTES = 64 * 1024 * 1024;

/**
 * The most values: 64 MiB could hold 32 million empty lists. A file takes four or five, so that a metainfo may
 * have some 480,000 files. What a stranger's metainfo costs stays under half a gigabyte, for a moment.
 */
export const MAX_BENCODE_VALUES = 2_000_000;

/** How many lists and dictionaries may stand one inside the other. */
export const MAX_BENCODE_DEPTH = 100;

/** Digits of the longest integer: all of 64 bits, and none whose parsing takes long. */
export const MAX_INTEGER_DIGITS = 19;

/**
 * A bencoded value (BEP 3). Integers are numbers when they are safe integers, bigints up to 19
 * digits otherwise: BEP 3 sets no limit, and a torrent may hold a large one in a key we ignore.
 * Byte strings are Buffers.
 */
export type BencodeValue = number | bigint | Buffer | readonly BencodeValue[] | BencodeDict;

/** An entry, and from where to where its value stood in what was decoded. */
export interface BencodeEntry {
  readonly key: string;
  readonly value: BencodeValue;
  readonly start: number;
  readonly end: number;
}

/**
 * A dictionary, sorted by its keys. A key is a byte string held as a latin1 string, one
 * character (at most U+00FF) a byte, so that the order of strings is the order of bytes. One
 * sorted array rather than a Map: hostile input may hold a million tiny dictionaries.
 */
export class BencodeDict {
  readonly #entries: readonly BencodeEntry[];
  readonly #source: Buffer | undefined;

  /** For the decoder: `entries` sorted by key without duplicates, with their ranges in `source`. */
  constructor(entries: readonly BencodeEntry[], source?: Buffer) {
    this.#entries = entries;
    this.#source = source;
  }

  /** A dictionary to be encoded. Throws RangeError for a key with a character over U+00FF. */
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

  /** The bytes of a value as they stood in the decoded input: a view. Throws RangeError if nothing was decoded there. */
  raw(key: string): Buffer {
    const entry = this.#find(key);
    if (entry === undefined || this.#source === undefined) throw new RangeError('no such value was decoded');
    return this.#source.subarray(entry.start, entry.end);
  }

  /** Keys and values in the order of the keys. */
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

/** Keys are bytes, each a character: their order is that of the strings. */
export function byKey(a: BencodeEntry, b: BencodeEntry): number {
  return a.key < b.key ? -1 : Number(a.key > b.key);
}
