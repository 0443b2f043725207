import { nanos, type JetStreamManager, type StreamConfig, type StreamInfo } from 'nats';
import { ensureStream } from '../nats/ensure-stream.js';

export const EVENT_STREAM = 'ENJAMBRE_EVENTS';
/** Listed one by one: other streams have other subjects under "enjambre.". */
const SUBJECTS = ['peer', 'file', 'download', 'message'].map((area) => `enjambre.${area}.>`);

/** A message of the stream, undecoded. */
export interface StreamMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Its sequence in the stream, from 1. */
  readonly seq: number;
}

/** Retention of events; the oldest are removed first. */
export interface EventRetention {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
}

export const DEFAULT_RETENTION: EventRetention = { maxAgeMs: 24 * 3_600_000, maxBytes: 256 * 1024 * 1024 };

/** An event sent again within this time is not stored twice. */
const DEDUPLICATION_MS = 5 * 60_000;
/** Far above the size of any event of ours; a reader fetches hundreds at a time. */
const MAX_MESSAGE_BYTES = 65_536;

/** Desired configuration of the stream. */
/** For people who list the streams of a server. */
const DESCRIPTION = 'Enjambre: events of the network, as CloudEvents';

export interface EventStreamWish {
  /** Retention; without it an existing stream stays unchanged. */
  readonly retention: EventRetention | undefined;
  /** Retention of a new stream if `retention` is absent. @default {@link DEFAULT_RETENTION} */
  readonly initial: EventRetention | undefined;
  /** Number of cluster nodes that store a new stream. @default 1 */
  readonly nodes?: number;
  /** Called if the server has no storage for the new configuration. */
  readonly onRefused?: (error: unknown) => void;
}

/** Creates the stream of all events, or updates its configuration. Throws the errors of NATS. */
export function ensureEventStream(
  manager: JetStreamManager,
  { retention, initial, nodes = 1, onRefused = () => undefined }: EventStreamWish,
): Promise<StreamInfo> {
  return ensureStream(manager, {
    name: EVENT_STREAM,
    made: { num_replicas: nodes, ...settings(retention ?? initial ?? DEFAULT_RETENTION) },
    kept: retention ? settings(retention) : { subjects: SUBJECTS, description: DESCRIPTION },
    onRefused,
  });
}

function settings({ maxAgeMs, maxBytes }: EventRetention): Partial<StreamConfig> {
  return {
    subjects: SUBJECTS,
    description: DESCRIPTION,
    max_age: nanos(maxAgeMs),
    max_bytes: maxBytes,
    max_msg_size: MAX_MESSAGE_BYTES,
    // NATS refuses a window longer than the retention.
    duplicate_window: nanos(Math.min(DEDUPLICATION_MS, maxAgeMs)),
  };
}
