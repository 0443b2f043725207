import type { Reservation } from '@enjambre/common/nats/jetstream-problem';
import { NatsError, type JetStreamManager } from 'nats';

/** Some 50,000 records. */
const FIRST_BYTES = 16 * 1024 * 1024;
/** JetStream's number for a stream that has all it may have. */
const STORE_FAILED = 10_077;
const FLAG = '--catalogue-max-bytes';

/** True if a record was refused because the bucket is full. */
export function isFull(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === STORE_FAILED;
}

/**
 * What of NATS's storage is reserved for the catalogue: NATS takes that away from others though it is
 * empty, so it begins small and is doubled when it is full.
 */
export class CatalogueRoom {
  /** The last that was asked for. */
  #bytes: number;

  /** @param maxBytes that it may have at most */
  constructor(
    private readonly stream: string,
    private readonly maxBytes: number,
  ) {
    this.#bytes = this.first;
  }

  /** What a bucket reserves that is made. */
  get first(): number {
    return Math.min(FIRST_BYTES, this.maxBytes);
  }

  get reservation(): Reservation {
    return { what: 'the catalogue', bytes: this.#bytes, flag: FLAG };
  }

  /** What is wrong when it cannot grow any more, and what to do. */
  get fullText(): string {
    return `it is full: let it have more than ${this.maxBytes} bytes with ${FLAG}`;
  }

  /** Gives back what is reserved beyond what it may have, as older versions have. Throws what NATS does. */
  async lower({ streams }: JetStreamManager): Promise<void> {
    const { config } = await streams.info(this.stream);
    if (config.max_bytes > 0 && config.max_bytes <= this.maxBytes) return;
    await streams.update(this.stream, { max_bytes: this.maxBytes });
  }

  /** Doubles it. Returns what it has then, undefined if it may have no more. Throws what NATS does. */
  async grow({ streams }: JetStreamManager): Promise<number | undefined> {
    const { config, state } = await streams.info(this.stream);
    // Another tracker may just have done it.
    if (state.bytes < config.max_bytes / 2) return config.max_bytes;
    const bytes = Math.min(this.maxBytes, config.max_bytes * 2);
    if (bytes <= config.max_bytes) return undefined;
    this.#bytes = bytes;
    await streams.update(this.stream, { max_bytes: bytes });
    return bytes;
  }
}
