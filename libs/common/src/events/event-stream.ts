import { nanos, NatsError, type JetStreamManager, type StreamConfig, type StreamInfo } from 'nats';

export const EVENT_STREAM = 'ENJAMBRE_EVENTS';
/** Named one by one: other streams have other subjects below "enjambre.". */
const SUBJECTS = ['peer', 'file', 'download', 'message'].map((area) => `enjambre.${area}.>`);

/** A message of the stream, as it was found there. */
export interface StreamMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Its place in the stream, from 1 on. */
  readonly seq: number;
}

/** How long events are kept; the oldest go first. */
export interface EventRetention {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

export const DEFAULT_RETENTION: EventRetention = { maxAgeMs: 24 * 3_600_000, maxBytes: 256 * 1024 * 1024 };

/** An event that is sent again within so long is not kept twice. */
const DEDUPLICATION_MS = 5 * 60_000;
/** No event of ours comes near it; a reader takes hundreds at a time. */
const MAX_MESSAGE_BYTES = 65_536;
/** JetStream's code for a stream that does not exist. */
const STREAM_NOT_FOUND = 10_059;

/**
 * Makes the stream that keeps all events, or makes it what it should be. Without
 * `retention` a stream that is there already keeps its own. Throws what NATS does.
 *
 * @param nodes of a cluster that are to keep it, if it is made
 */
export async function ensureEventStream(
  manager: JetStreamManager,
  retention: EventRetention | undefined,
  nodes = 1,
): Promise<StreamInfo> {
  const found = await manager.streams.info(EVENT_STREAM).catch((error: unknown) => {
    if (error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND) return undefined;
    throw error;
  });
  if (!found) {
    const wanted = settings(retention ?? DEFAULT_RETENTION);
    return manager.streams.add({ name: EVENT_STREAM, num_replicas: nodes, ...wanted });
  }
  const wanted = retention ? settings(retention) : { subjects: SUBJECTS };
  return fits(found.config, wanted) ? found : manager.streams.update(EVENT_STREAM, wanted);
}

function settings({ maxAgeMs, maxBytes }: EventRetention): Partial<StreamConfig> {
  return {
    subjects: SUBJECTS,
    max_age: nanos(maxAgeMs),
    max_bytes: maxBytes,
    max_msg_size: MAX_MESSAGE_BYTES,
    // NATS refuses one that is longer than messages are kept.
    duplicate_window: nanos(Math.min(DEDUPLICATION_MS, maxAgeMs)),
  };
}

function fits(config: StreamConfig, wanted: Partial<StreamConfig>): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => JSON.stringify(config[key as keyof StreamConfig]) === JSON.stringify(value),
  );
}
