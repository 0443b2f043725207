import { flagName } from '@enjambre/common/config/options';
import type { Reservation } from '@enjambre/common/nats/jetstream-problem';
import { NatsError, type JetStreamManager } from 'nats';

/** Enough for about 50,000 records. */
const FIRST_BYTES = 16 * 1024 * 1024;
/** JetStream's error code for a message that a stream could not store, for one of several reasons. */
const STORE_FAILED = 10_077;
/** Text of the reason that more storage resolves. */
const NO_ROOM = /maximum bytes exceeded/i;
const SETTING = 'catalogueMaxBytes';

/** True if the bucket exists but did not store a record. */
export function isNotStored(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === STORE_FAILED;
}

/** True if the reason is a full bucket. */
export function isFull(error: unknown): boolean {
  return error instanceof NatsError && isNotStored(error) && NO_ROOM.test(error.api_error?.description ?? '');
}

/**
 * Storage that NATS reserves for the catalogue. NATS counts a reservation even while it is empty, so it
 * starts small and is doubled when full. Trackers with different limits share it: while the bucket is full,
 * the largest limit applies, and no tracker lowers the reservation below twice the used bytes. It is
 * therefore lowered and raised again only after records of half its size have been removed and added. Nothing
 * is deleted: NATS would delete data beyond a lower limit.
 */
export class CatalogueRoom {
  /** The last requested reservation. */
  #bytes: number;
  /** The reservation when the bucket was full. */
  #present = 0;

  /** @param maxBytes limit of the reservation */
  constructor(
    private readonly stream: string,
    private readonly maxBytes: number,
  ) {
    this.#bytes = this.first;
  }

  /** Reservation of a new bucket. */
  get first(): number {
    return Math.min(FIRST_BYTES, this.maxBytes);
  }

  get reservation(): Reservation {
    return { what: 'the catalogue', bytes: this.#bytes, setting: SETTING };
  }

  /** Why it cannot grow further, and what to do. */
  get fullText(): string {
    return `it is full: allow more than ${Math.max(this.maxBytes, this.#present)} bytes with ${flagName(SETTING)}`;
  }

  /** Lowers a reservation above the limit, as older versions made it. Throws the errors of NATS. */
  async lower({ streams }: JetStreamManager): Promise<void> {
    const { config, state } = await streams.info(this.stream);
    const bytes = Math.max(this.maxBytes, 2 * state.bytes);
    if (config.max_bytes > 0 && config.max_bytes <= bytes) return;
    await streams.update(this.stream, { max_bytes: bytes });
  }

  /** Doubles the reservation. Returns the new one, or undefined at the limit. Throws the errors of NATS. */
  async grow({ streams }: JetStreamManager): Promise<number | undefined> {
    const { config, state } = await streams.info(this.stream);
    // Another tracker may have just doubled it.
    if (state.bytes < config.max_bytes / 2) return config.max_bytes;
    this.#present = config.max_bytes;
    const bytes = Math.min(this.maxBytes, config.max_bytes * 2);
    if (bytes <= config.max_bytes) return undefined;
    this.#bytes = bytes;
    await streams.update(this.stream, { max_bytes: bytes });
    return bytes;
  }
}
