import { flagName } from '@enjambre/common/config/options';
import type { Reservation } from '@enjambre/common/nats/jetstream-problem';
import { NatsError, type JetStreamManager } from 'nats';

/** Some 50,000 records. */
const FIRST_BYTES = 16 * 1024 * 1024;
/** JetStream's number for a message that a stream could not store, for any of several reasons. */
const STORE_FAILED = 10_077;
/** How it names the one that more room helps against. */
const NO_ROOM = /maximum bytes exceeded/i;
const SETTING = 'catalogueMaxBytes';

/** True if the bucket is there, but did not store a record. */
export function isNotStored(error: unknown): boolean {
  return error instanceof NatsError && error.api_error?.err_code === STORE_FAILED;
}

/** True if that is because the bucket is full. */
export function isFull(error: unknown): boolean {
  return error instanceof NatsError && isNotStored(error) && NO_ROOM.test(error.api_error?.description ?? '');
}

/**
 * What of NATS's storage is reserved for the catalogue: NATS takes that away from others though it is
 * empty, so it begins small and is doubled when it is full. Trackers with other maxima share it: the
 * largest counts while the bucket is full, and none gives back what is less than twice the bytes used.
 * So it is lowered and raised again only after records of half its size have gone and come, and
 * nothing is deleted: NATS deletes what is beyond a lower limit.
 */
export class CatalogueRoom {
  /** The last that was asked for. */
  #bytes: number;
  /** What the bucket had when it was full. */
  #present = 0;

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
    return { what: 'the catalogue', bytes: this.#bytes, setting: SETTING };
  }

  /** What is wrong when it cannot grow any more, and what to do. */
  get fullText(): string {
    return `it is full: let it have more than ${Math.max(this.maxBytes, this.#present)} bytes with ${flagName(SETTING)}`;
  }

  /** Gives back what is reserved beyond what it may have, as older versions have. Throws what NATS does. */
  async lower({ streams }: JetStreamManager): Promise<void> {
    const { config, state } = await streams.info(this.stream);
    const bytes = Math.max(this.maxBytes, 2 * state.bytes);
    if (config.max_bytes > 0 && config.max_bytes <= bytes) return;
    await streams.update(this.stream, { max_bytes: bytes });
  }

  /** Doubles it. Returns what it has then, undefined if it may have no more. Throws what NATS does. */
  async grow({ streams }: JetStreamManager): Promise<number | undefined> {
    const { config, state } = await streams.info(this.stream);
    // Another tracker may just have done it.
    if (state.bytes < config.max_bytes / 2) return config.max_bytes;
    this.#present = config.max_bytes;
    const bytes = Math.min(this.maxBytes, config.max_bytes * 2);
    if (bytes <= config.max_bytes) return undefined;
    this.#bytes = bytes;
    await streams.update(this.stream, { max_bytes: bytes });
    return bytes;
  }
}
