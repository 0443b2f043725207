import {
  BLOCK_BEGIN,
  BLOCK_DATA,
  BLOCK_ID,
  BLOCK_LEFT,
  BLOCK_PIECE,
  RESPONSE_BLOCK,
} from './block-header.js';
import { GRPC_PREFIX_BYTES, readGrpcPrefix } from './grpc-prefix.js';
import { FetchResponse, type Block } from '@enjambre/proto/gen/enjambre/peer/v1/peer';

/** Space for the fields before the bytes of a block: tags, lengths and numbers. */
const HEAD_BYTES = 64;
export interface FetchReaderInit {
  /** A longer message is refused. */
  readonly maxBytes: number;
  /** Memory for the bytes of a block; it belongs to the receiver of the message. */
  readonly memoryFor: (bytes: number) => Buffer;
  readonly message: (response: FetchResponse) => void;
}

/**
 * Reads FetchResponses from the chunks of a gRPC stream. The bytes of a block are copied once, to their final
 * memory. It expects the field order of the generated encoder; messages in another order go to the generated
 * decoder.
 */
export class FetchReader {
  readonly #prefix = Buffer.alloc(GRPC_PREFIX_BYTES);
  #prefixFilled = 0;
  /** Bytes of the message that have not arrived yet. */
  #left = 0;
  /** The beginning of a message, or all of a message without a block. */
  #head = Buffer.alloc(HEAD_BYTES);
  #headFilled = 0;
  #headLength = 0;
  #block: (Block & { data: Buffer }) | undefined;
  #filled = 0;

  constructor(private readonly init: FetchReaderInit) {}

  /** Throws {@link MessageReadError}, and the errors of the decoder. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at = this.#take(chunk, at);
  }

  #take(chunk: Buffer, at: number): number {
    if (this.#prefixFilled < GRPC_PREFIX_BYTES) return this.#takePrefix(chunk, at);
    const end = Math.min(chunk.length, at + (this.#block ? this.#left : this.#headLength - this.#headFilled));
    if (this.#block) this.#filled += chunk.copy(this.#block.data, this.#filled, at, end);
    else this.#headFilled += chunk.copy(this.#head, this.#headFilled, at, end);
    this.#left -= end - at;
    if (!this.#block && this.#headFilled === this.#headLength) this.#readHead();
    if (this.#left === 0) this.#finish();
    return end;
  }

  #takePrefix(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + GRPC_PREFIX_BYTES - this.#prefixFilled);
    this.#prefixFilled += chunk.copy(this.#prefix, this.#prefixFilled, at, end);
    if (this.#prefixFilled < GRPC_PREFIX_BYTES) return end;
    this.#left = readGrpcPrefix(this.#prefix, this.init.maxBytes);
    this.#headFilled = 0;
    this.#headLength = Math.min(HEAD_BYTES, this.#left);
    if (this.#left === 0) this.#finish();
    return end;
  }

  /** Called where a block's bytes begin, or when the whole message has arrived. */
  #readHead(): void {
    if (this.#left === 0) return;
    const length = this.#headFilled + this.#left;
    const found = readBlockHead(this.#head.subarray(0, this.#headFilled), length);
    if (found) {
      const { dataAt, ...place } = found;
      const data = this.init.memoryFor(length - dataAt);
      this.#filled = this.#head.copy(data, 0, dataAt, this.#headFilled);
      this.#block = { ...place, data };
      return;
    }
    const whole = Buffer.alloc(length);
    this.#head.copy(whole, 0, 0, this.#headFilled);
    this.#head = whole;
    this.#headLength = length;
  }

  #finish(): void {
    const block = this.#block;
    const bytes = this.#head.subarray(0, this.#headFilled);
    this.#prefixFilled = 0;
    this.#block = undefined;
    if (block) return this.init.message({ message: { $case: 'block', value: block } });
    // Decoded messages are views of this memory, so it is not reused.
    this.#head = Buffer.alloc(HEAD_BYTES);
    this.init.message(FetchResponse.decode(bytes));
  }
}

/**
 * Reads the fields before a block's bytes; undefined unless all are present, in order, and nothing follows
 * the bytes.
 */
function readBlockHead(
  head: Buffer,
  length: number,
): (Omit<Block, 'data'> & { readonly dataAt: number }) | undefined {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = head[at++];
      if (byte === undefined || scale > 2 ** 28) return -1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const field = (tag: number): number => (head[at++] === tag ? varint() : -1);
  const inner = field(RESPONSE_BLOCK);
  if (inner !== length - at) return undefined;
  const id = field(BLOCK_ID);
  const piece = field(BLOCK_PIECE);
  const begin = field(BLOCK_BEGIN);
  const left = head[at] === BLOCK_LEFT ? field(BLOCK_LEFT) : 0;
  const dataLength = field(BLOCK_DATA);
  if (Math.min(id, piece, begin, left) < 0 || dataLength !== length - at) return undefined;
  return { id, piece, begin, left, dataAt: at };
}
