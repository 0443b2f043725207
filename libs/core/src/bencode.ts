import {
  BencodeDict,
  byKey,
  type BencodeEntry,
  type BencodeValue,
  MAX_BENCODE_BYTES,
  MAX_BENCODE_DEPTH,
  MAX_BENCODE_VALUES,
  MAX_INTEGER_DIGITS,
} from './bencode-value.js';
import { ByteOutput } from './byte-output.js';
import { EnjambreError } from './error.js';
import { runSteps, sortSteps, StepCount, type Steps } from './steps.js';

/** Digits of the length of the longest byte string that fits in MAX_BENCODE_BYTES. */
const MAX_LENGTH_DIGITS = String(MAX_BENCODE_BYTES).length;

const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const COLON = 0x3a;
const DICT = 0x64;
const END = 0x65;
const INTEGER = 0x69;
const LIST = 0x6c;
/** Tab, line feed, carriage return, space. */
const WHITE: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20]);

/** A list or dictionary that has not ended yet. */
interface Open {
  readonly start: number;
  readonly items: BencodeValue[];
  /** Undefined for a list. */
  entries: BencodeEntry[] | undefined;
  /** False if a key sorts before its predecessor. */
  isSorted: boolean;
  /** A key whose value has not been read yet. */
  key: string | undefined;
}

/**
 * Decodes exactly one value, strictly: sorted and unique keys, canonical numbers, nothing after it; at most
 * 64 MiB, 100 levels, two million values. Byte strings are views of `bytes`, not copies. Linear in time,
 * without recursion. Throws `invalid` BAD_BENCODE with the fault and its byte offset. Source: BEP 3.
 */
export function decodeBencode(bytes: Uint8Array): BencodeValue {
  if (bytes.length > MAX_BENCODE_BYTES) {
    throw fault(`${bytes.length} bytes are more than ${MAX_BENCODE_BYTES / 2 ** 20} MiB`, MAX_BENCODE_BYTES);
  }
  return runSteps(new Decoder(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)).decode());
}

/**
 * Decodes a `.torrent` as other clients and people write it: like {@link decodeBencode}, but outside `info`,
 * whose bytes are hashed, keys may be in any order, and white space may follow the end. `canonical` is false
 * if the input used one of these liberties: `encodeBencode` then produces the form that {@link decodeBencode}
 * accepts.
 */
export function* decodeTorrent(
  bytes: Buffer,
): Steps<{ readonly value: BencodeValue; readonly canonical: boolean }> {
  const end = endOfText(bytes);
  const decoder = new Decoder(bytes.subarray(0, end), 'info');
  const value = yield* decoder.decode();
  return { value, canonical: !decoder.tookLiberties && end === bytes.length };
}

/**
 * Encodes a value. Throws RangeError for a value that is not supported here: a number that is not a safe
 * integer, a bigint over 19 digits, more than 100 levels. Source: BEP 3.
 */
export function encodeBencode(value: BencodeValue): Buffer {
  return runSteps(encodeSteps(value));
}

/** {@link encodeBencode} in steps. */
export function* encodeSteps(value: BencodeValue): Steps<Buffer> {
  const output = new ByteOutput();
  yield* encodeInto(output, value, { depth: 1, step: new StepCount() });
  return output.take();
}

class Decoder {
  readonly #bytes: Buffer;
  readonly #open: Open[] = [];
  #at = 0;
  #values = 0;
  /** True if keys were out of order. */
  tookLiberties = false;

  /**
   * @param strictIn the only key of the outermost dictionary in whose value all keys must be sorted. @default
   * all
   */
  constructor(
    bytes: Buffer,
    private readonly strictIn?: string,
  ) {
    this.#bytes = bytes;
  }

  *decode(): Steps<BencodeValue> {
    let whole: BencodeValue | undefined;
    const step = new StepCount();
    while (whole === undefined) {
      const inside = this.#open.at(-1);
      if (inside?.isSorted === false && this.#bytes[this.#at] === END) yield* sortEntries(inside);
      whole = this.#step();
      if (step.isFull()) yield;
    }
    if (this.#at < this.#bytes.length) throw fault('bytes after the end of the value', this.#at);
    return whole;
  }

  /** Reads one token. Returns the whole value after its last token. */
  #step(): BencodeValue | undefined {
    const start = this.#at;
    const inside = this.#open.at(-1);
    const byte = this.#bytes[start];
    if (byte === undefined) throw fault('the value is cut off', start);
    if (byte === END && inside !== undefined) return this.#close(inside);
    if (inside?.entries !== undefined && inside.key === undefined) {
      inside.key = this.#readKey(inside, inside.entries);
      return undefined;
    }
    if (byte === DICT || byte === LIST) {
      this.#openAt(start, byte === DICT);
      return undefined;
    }
    if (byte === INTEGER) return this.#put(this.#readInteger(), start);
    if (isDigit(byte)) return this.#put(this.#readString(), start);
    throw fault('a byte that cannot begin a value', start);
  }

  #openAt(start: number, isDict: boolean): void {
    if (this.#open.length === MAX_BENCODE_DEPTH) throw fault('more than 100 levels', start);
    this.#open.push({ start, items: [], entries: isDict ? [] : undefined, isSorted: true, key: undefined });
    this.#at += 1;
  }

  #close(inside: Open): BencodeValue | undefined {
    if (inside.key !== undefined) throw fault('a key without a value', this.#at);
    this.#at += 1;
    this.#open.pop();
    // Sliced, because an array grown by push reserves room for far more than the usual one or two elements.
    const { items, entries } = inside;
    return this.#put(entries ? new BencodeDict(entries.slice(), this.#bytes) : items.slice(), inside.start);
  }

  /** Adds a complete value to its container, or returns it if it has none. */
  #put(value: BencodeValue, start: number): BencodeValue | undefined {
    this.#values += 1;
    if (this.#values > MAX_BENCODE_VALUES) throw fault('more than two million values', start);
    const outer = this.#open.at(-1);
    if (outer === undefined) return value;
    if (outer.entries !== undefined && outer.key !== undefined) {
      outer.entries.push({ key: outer.key, value, start, end: this.#at });
      outer.key = undefined;
    } else {
      outer.items.push(value);
    }
    return undefined;
  }

  #readKey(inside: Open, entries: readonly BencodeEntry[]): string {
    const start = this.#at;
    if (!isDigit(this.#bytes[start])) throw fault('a key that is not a byte string', start);
    const key = this.#readString().toString('latin1');
    const previous = entries.at(-1);
    if (previous?.key === key) throw fault('a duplicate key', start);
    if (previous !== undefined && previous.key > key) {
      const [outermost] = this.#open;
      const isFree = this.#open.length === 1 || outermost?.key !== this.strictIn;
      if (this.strictIn === undefined || !isFree) throw fault('a key out of order', start);
      this.tookLiberties = true;
      inside.isSorted = false;
    }
    return key;
  }

  #readInteger(): number | bigint {
    const start = this.#at;
    this.#at += 1;
    const negative = this.#bytes[this.#at] === MINUS;
    if (negative) this.#at += 1;
    const digits = this.#readDigits(MAX_INTEGER_DIGITS, 'an integer');
    if (negative && digits === '0') throw fault('a negative zero', start);
    this.#expect(END, 'an integer without an end');
    const text = negative ? `-${digits}` : digits;
    return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
  }

  #readString(): Buffer {
    const start = this.#at;
    const length = Number(this.#readDigits(MAX_LENGTH_DIGITS, 'a byte string'));
    this.#expect(COLON, 'a byte string without a colon');
    if (length > this.#bytes.length - this.#at) throw fault('a byte string is cut off', start);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #readDigits(most: number, what: string): string {
    const start = this.#at;
    while (isDigit(this.#bytes[this.#at])) {
      this.#at += 1;
      if (this.#at - start > most) throw fault(`${what} with more than ${most} digits`, start);
    }
    const count = this.#at - start;
    if (count === 0) throw fault(`${what} without digits`, start);
    if (count > 1 && this.#bytes[start] === ZERO) throw fault(`${what} with a leading zero`, start);
    return this.#bytes.toString('latin1', start, this.#at);
  }

  #expect(byte: number, otherwise: string): void {
    if (this.#bytes[this.#at] !== byte) throw fault(otherwise, this.#at);
    this.#at += 1;
  }
}

/** Sorts by key. Duplicate keys are a fault: their value would be ambiguous. */
function* sortEntries(inside: Open): Steps<void> {
  const entries = yield* sortSteps(inside.entries ?? [], byKey);
  const step = new StepCount();
  for (const [index, { key, start }] of entries.entries()) {
    if (index > 0 && entries[index - 1]?.key === key) throw fault('a duplicate key', start);
    if (step.isFull()) yield;
  }
  inside.entries = entries;
  inside.isSorted = true;
}

function endOfText(bytes: Buffer): number {
  let end = bytes.length;
  while (end > 0 && WHITE.has(bytes[end - 1] ?? 0)) end -= 1;
  return end;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= NINE;
}

function* encodeInto(
  output: ByteOutput,
  value: BencodeValue,
  { depth, step }: { depth: number; step: StepCount },
): Steps<void> {
  if (typeof value === 'number' || typeof value === 'bigint') {
    output.putText(encodeInteger(value));
  } else if (Buffer.isBuffer(value)) {
    output.putText(`${value.length}:`);
    output.putBytes(value);
  } else {
    if (depth > MAX_BENCODE_DEPTH) throw new RangeError('bencode cannot hold more than 100 levels');
    const inner = { depth: depth + 1, step };
    if (value instanceof BencodeDict) {
      output.putText('d');
      for (const [key, held] of value) {
        output.putText(`${key.length}:${key}`);
        yield* encodeInto(output, held, inner);
        if (step.isFull()) yield;
      }
    } else {
      output.putText('l');
      for (const item of value) {
        yield* encodeInto(output, item, inner);
        if (step.isFull()) yield;
      }
    }
    output.putText('e');
  }
}

function encodeInteger(value: number | bigint): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new RangeError(`bencode cannot hold ${value}: it is not a safe integer`);
  }
  const text = String(value);
  if (text.replace('-', '').length > MAX_INTEGER_DIGITS) {
    throw new RangeError(`bencode cannot hold an integer of more than ${MAX_INTEGER_DIGITS} digits`);
  }
  return `i${text}e`;
}

function fault(what: string, at: number): EnjambreError {
  return new EnjambreError('invalid', 'BAD_BENCODE', `not bencode: ${what} at byte ${at}`);
}
