import { EnjambreError, messageOf } from '@enjambre/core/error';
import {
  AckPolicy,
  DeliverPolicy,
  nanos,
  type ConsumerConfig,
  type JetStreamManager,
  type JsMsg,
  type NatsConnection,
} from 'nats';
import type { ReplayStart } from './event-bus.js';
import { EVENT_STREAM } from './event-stream.js';

/** Messages per batch; the server holds nothing between two batches. */
const BATCH = 500;
/** A server that does not deliver a batch in this time counts as unreachable. */
const BATCH_TIMEOUT_MS = 5000;
/** NATS removes a consumer without requests for this long. */
const CONSUMER_LIFE_MS = 30_000;
/** An event has the time of its service; NATS stores it by its own clock, which may differ. */
const CLOCK_TOLERANCE_MS = 60_000;

/**
 * The stream's messages from `start` (by storage time, a minute earlier) to its current end, in order. Throws
 * `unavailable` NATS_UNREACHABLE.
 */
export async function* replayStream(
  connection: NatsConnection,
  start: ReplayStart,
  signal: AbortSignal,
): AsyncGenerator<JsMsg, void, undefined> {
  const reader = await orUnreachable(() => StreamReader.open(connection));
  let from: Partial<ConsumerConfig> =
    'after' in start ? fromSequence(start.after + 1) : fromTime(start.sinceMs - CLOCK_TOLERANCE_MS);
  for (;;) {
    const { messages, more } = await orUnreachable(() => reader.read(from));
    for (const message of messages) {
      if (isOver(signal) || message.seq > reader.end) return;
      yield message;
    }
    const last = messages.at(-1);
    if (isOver(signal) || !last || !more || last.seq >= reader.end) return;
    from = fromSequence(last.seq + 1);
  }
}

/** A function, since `signal.aborted` changes during awaits. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

class StreamReader {
  private constructor(
    private readonly connection: NatsConnection,
    private readonly manager: JetStreamManager,
    /** Sequence of the last message when the read began. */
    readonly end: number,
  ) {}

  static async open(connection: NatsConnection): Promise<StreamReader> {
    const manager = await connection.jetstreamManager();
    const { state } = await manager.streams.info(EVENT_STREAM);
    return new StreamReader(connection, manager, state.last_seq);
  }

  async read(from: Partial<ConsumerConfig>): Promise<{ messages: JsMsg[]; more: boolean }> {
    if (this.end === 0) return { messages: [], more: false };
    const { name, num_pending: count } = await this.manager.consumers.add(EVENT_STREAM, {
      ...from,
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(CONSUMER_LIFE_MS),
    });
    try {
      const wanted = Math.min(BATCH, count);
      const messages = wanted === 0 ? [] : await this.#fetch(name, wanted);
      if (messages.length < wanted) throw new Error('a batch of events is incomplete');
      return { messages, more: count > wanted };
    } finally {
      await this.manager.consumers.delete(EVENT_STREAM, name).catch(() => undefined);
    }
  }

  async #fetch(consumer: string, count: number): Promise<JsMsg[]> {
    const source = await this.connection.jetstream().consumers.get(EVENT_STREAM, consumer);
    const batch = await source.fetch({ max_messages: count, expires: BATCH_TIMEOUT_MS });
    const messages: JsMsg[] = [];
    for await (const message of batch) messages.push(message);
    return messages;
  }
}

function fromSequence(sequence: number): Partial<ConsumerConfig> {
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence };
}

function fromTime(ms: number): Partial<ConsumerConfig> {
  if (ms <= 0) return { deliver_policy: DeliverPolicy.All };
  const time = new Date(Math.min(ms, Date.now())).toISOString();
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: time };
}

async function orUnreachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = `NATS did not return the recorded events (${messageOf(cause)}): try again`;
    throw new EnjambreError('unavailable', 'NATS_UNREACHABLE', message, { cause });
  }
}
