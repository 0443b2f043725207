import {
  AckPolicy,
  createInbox,
  DeliverPolicy,
  nanos,
  type Msg,
  type NatsConnection,
  type StreamInfo,
  type Subscription,
} from 'nats';
import { EVENT_STREAM, type StreamMessage } from './event-stream.js';

export interface FollowerInit {
  readonly onMessage: (message: StreamMessage) => void;
  /**
   * Called when NATS has lost the consumer, or skipped a message: call {@link StreamFollower.follow} again.
   */
  readonly onLost: () => void;
}

/** NATS reports at this interval that there is nothing new. */
const HEARTBEAT_MS = 2000;
/** After this silence NATS has lost the consumer. */
const SILENCE_MS = 3 * HEARTBEAT_MS;
/** NATS removes a consumer that is inactive for this long. */
const CONSUMER_LIFE_MS = 30_000;
/** Tokens of a reply subject without domain and account. */
const SHORT_REPLY_TOKENS = 9;
/** Status of control messages of NATS: heartbeats and flow control. */
const CONTROL_STATUS = 100;

/**
 * Receives every message of the stream from the first call of {@link follow} on, across all losses of
 * connection. Uses its own push consumer: the client's ordered consumer cannot be stopped while NATS is
 * unreachable.
 */
export class StreamFollower {
  readonly #init: FollowerInit;
  /** Sequence of the last message received. */
  #last: number | undefined;
  /** Number of messages that this consumer has sent. */
  #delivered = 0;
  #subscription: Subscription | undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(init: FollowerInit) {
    this.#init = init;
  }

  /** Resumes over this connection where it stopped; throws the errors of NATS. */
  async follow(connection: NatsConnection, { state }: StreamInfo): Promise<void> {
    this.stop();
    // A stream that was lost restarts at 1.
    if (this.#last !== undefined && this.#last > state.last_seq) this.#last = 0;
    this.#last ??= state.last_seq;
    this.#delivered = 0;
    const inbox = createInbox();
    this.#subscription = connection.subscribe(inbox, {
      callback: (error, message) => {
        if (!error) this.#take(message);
      },
    });
    const manager = await connection.jetstreamManager();
    await manager.consumers.add(EVENT_STREAM, {
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- a push consumer is intended, and servers support it
      deliver_subject: inbox,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: this.#last + 1,
      ack_policy: AckPolicy.None,
      max_deliver: 1,
      flow_control: true,
      idle_heartbeat: nanos(HEARTBEAT_MS),
      inactive_threshold: nanos(CONSUMER_LIFE_MS),
      mem_storage: true,
      num_replicas: 1,
    });
    this.#silence = setTimeout(() => this.#lose(), SILENCE_MS);
  }

  stop(): void {
    clearTimeout(this.#silence);
    // Unsubscribing fails if the connection has closed the subscription.
    if (this.#subscription?.isClosed() === false) this.#subscription.unsubscribe();
    this.#subscription = undefined;
  }

  #take(message: Msg): void {
    this.#silence?.refresh();
    if (message.headers?.code === CONTROL_STATUS) this.#answer(message);
    else this.#hear(message);
  }

  #answer(message: Msg): void {
    message.respond();
    const delivered = message.headers?.get('Nats-Last-Consumer');
    if (delivered && Number(delivered) !== this.#delivered) this.#lose();
  }

  #hear({ subject, data, reply }: Msg): void {
    const { seq, delivered } = placeOf(reply);
    if (delivered !== this.#delivered + 1) return this.#lose();
    this.#delivered = delivered;
    this.#last = seq;
    this.#init.onMessage({ subject, data, seq });
  }

  #lose(): void {
    this.stop();
    this.#init.onLost();
  }
}

/**
 * Stream sequence of a message, and the number of messages that its consumer has sent. Both are in the reply
 * subject: $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.TRIES.STREAM_SEQUENCE.CONSUMER_SEQUENCE.… (ADR-15 of
 * NATS).
 */
function placeOf(reply = ''): { seq: number; delivered: number } {
  const tokens = reply.split('.');
  const first = tokens.length > SHORT_REPLY_TOKENS ? 7 : 5;
  return { seq: Number(tokens[first]), delivered: Number(tokens[first + 1]) };
}
