import { GRPC_PREFIX_BYTES, readGrpcPrefix } from './grpc-prefix.js';

export interface MessageReaderInit {
  /** A longer message is refused. */
  readonly maxBytes: number;
  /** One message without its prefix; the memory belongs to the receiver. */
  readonly message: (bytes: Buffer) => void;
}

/**
 * Splits the bytes of a gRPC stream, in chunks of any size, into messages. For blocks see
 * {@link FetchReader}.
 */
export class MessageReader {
  readonly #prefix = Buffer.alloc(GRPC_PREFIX_BYTES);
  #prefixFilled = 0;
  #body: Buffer = NOTHING;
  #filled = 0;

  constructor(private readonly init: MessageReaderInit) {}

  /** Throws {@link MessageReadError} and the receiver's errors; unusable after an error. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at = this.#take(chunk, at);
  }

  #take(chunk: Buffer, at: number): number {
    if (this.#prefixFilled < GRPC_PREFIX_BYTES) {
      const taken = chunk.copy(this.#prefix, this.#prefixFilled, at);
      this.#prefixFilled += taken;
      if (this.#prefixFilled === GRPC_PREFIX_BYTES) this.#begin();
      return at + taken;
    }
    const taken = chunk.copy(this.#body, this.#filled, at);
    this.#filled += taken;
    if (this.#filled === this.#body.length) this.#finish();
    return at + taken;
  }

  #begin(): void {
    const length = readGrpcPrefix(this.#prefix, this.init.maxBytes);
    this.#body = Buffer.allocUnsafe(length);
    this.#filled = 0;
    if (length === 0) this.#finish();
  }

  #finish(): void {
    const body = this.#body;
    this.#prefixFilled = 0;
    this.#body = NOTHING;
    this.init.message(body);
  }
}

const NOTHING = Buffer.alloc(0);
