import { nanos, type JetStreamManager, type StreamConfig, type StreamInfo } from 'nats';
import { ensureStream } from '../nats/ensure-stream.js';

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

/** How the stream is to be. */
export interface EventStreamWish {
  /** What it keeps; without it a stream that is there already stays as it is. */
  readonly retention: EventRetention | undefined;
  /** What it keeps if it is made, and nothing else is said. @default {@link DEFAULT_RETENTION} */
  readonly initial: EventRetention | undefined;
  /** Nodes of a cluster that are to keep it, if it is made. @default 1 */
  readonly nodes?: number;
  /** Hears that there is no room for it to become what it should be. */
  readonly onRefused?: (error: unknown) => void;
}

/** Makes the stream that keeps all events, or makes it what it should be. Throws what NATS does. */
export function ensureEventStream(
  manager: JetStreamManager,
  { retention, initial, nodes = 1, onRefused = () => undefined }: EventStreamWish,
): Promise<StreamInfo> {
  return ensureStream(manager, {
    name: EVENT_STREAM,
    made: { num_replicas: nodes, ...settings(retention ?? initial ?? DEFAULT_RETENTION) },
    kept: retention ? settings(retention) : { subjects: SUBJECTS },
    onRefused,
  });
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
