import { ErrorCode, Http2Violation } from './frames.js';
import { decodeHuffman } from './huffman.js';

/** RFC 7541, appendix A; the first has the index 1. */
// prettier-ignore
const STATIC_TABLE: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/**
 * Encodes header blocks without a dynamic table: we announce a table of size 0 (SETTINGS_HEADER_TABLE_SIZE),
 * and do not use the server's. A stream of blocks has only two headers.
 */
export function encodeHeaders(fields: Iterable<readonly [name: string, value: string]>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of fields) parts.push(LITERAL, ...stringParts(name), ...stringParts(value));
  return Buffer.concat(parts);
}

/** Marks a field outside the tables. */
const LITERAL = Buffer.from([0]);

function stringParts(text: string): [Buffer, Buffer] {
  const bytes = Buffer.from(text, 'latin1');
  return [encodeInteger(bytes.length, 7), bytes];
}

function encodeInteger(value: number, prefixBits: number): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([value]);
  const bytes = [most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** The fields of a header block; the last one wins among equal names. Throws {@link Http2Violation}. */
export function decodeHeaders(block: Buffer): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const reader = new BlockReader(block);
  while (reader.hasMore) {
    const field = reader.field();
    if (field) fields.set(...field);
  }
  return fields;
}

class BlockReader {
  #at = 0;

  constructor(private readonly block: Buffer) {}

  get hasMore(): boolean {
    return this.#at < this.block.length;
  }

  /** Undefined for an instruction without a field. */
  field(): readonly [name: string, value: string] | undefined {
    const first = this.block[this.#at] ?? 0;
    if (first & 0x80) return indexed(this.#integer(7));
    if ((first & 0xe0) === 0x20) {
      if (this.#integer(5) > 0) throw bad('a table that is larger than allowed');
      return undefined;
    }
    // With or without indexing: the table has no room in either case.
    const index = this.#integer(first & 0x40 ? 6 : 4);
    const name = index > 0 ? indexed(index)[0] : this.#string();
    return [name, this.#string()];
  }

  #integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (value > this.block.length + most) throw bad('a number that is too large');
      if (byte < 0x80) return value;
      if (scale > 2 ** 28) throw bad('a number that does not end');
    }
  }

  #string(): string {
    const isHuffman = ((this.block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const end = this.#at + length;
    if (end > this.block.length) throw bad('a header block that ends too early');
    const bytes = this.block.subarray(this.#at, end);
    this.#at = end;
    return isHuffman ? decodeHuffman(bytes) : bytes.toString('latin1');
  }

  #byte(): number {
    const byte = this.block[this.#at];
    if (byte === undefined) throw bad('a header block that ends too early');
    this.#at += 1;
    return byte;
  }
}

function indexed(index: number): readonly [name: string, value: string] {
  const field = STATIC_TABLE[index - 1];
  if (!field) throw bad('a header field that is in no table');
  return field;
}

function bad(what: string): Http2Violation {
  return new Http2Violation(ErrorCode.compressionError, what);
}
