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
  /** Called when NATS has forgotten who follows, or skipped a message: follow again. */
  readonly onLost: () => void;
}

/** NATS says at least so often that there is nothing new. */
const HEARTBEAT_MS = 2000;
/** After so long without a word it has forgotten us. */
const SILENCE_MS = 3 * HEARTBEAT_MS;
/** NATS forgets a follower that is gone. */
const CONSUMER_LIFE_MS = 30_000;
/** Of a reply subject without domain and account. */
const SHORT_REPLY_TOKENS = 9;
/** Status of what NATS says that is no message: heartbeats, and questions whether we keep up. */
const CONTROL_STATUS = 100;

/**
 * Hears every message of the stream, from the first time on that it could be asked, across
 * all losses of connection. A push consumer of our own: the client's ordered one cannot
 * be stopped while NATS is away.
 */
export class StreamFollower {
  readonly #init: FollowerInit;
  /** The last message heard. */
  #last: number | undefined;
  /** How many this consumer has sent. */
  #delivered = 0;
  #subscription: Subscription | undefined;
  #silence: NodeJS.Timeout | undefined;

  constructor(init: FollowerInit) {
    this.#init = init;
  }

  /** Goes on over this connection where it was; throws what NATS does. */
  async follow(connection: NatsConnection, { state }: StreamInfo): Promise<void> {
    this.stop();
    // A stream that was lost begins again at 1.
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
      // eslint-disable-next-line @typescript-eslint/no-deprecated -- pushing is what this is about, and servers have it
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
    // Closed with its connection, it refuses.
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
 * Where in the stream, and how many the consumer has sent with it. A reply subject says it:
 * $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.TRIES.STREAM_SEQUENCE.CONSUMER_SEQUENCE.… (ADR-15 of NATS).
 */
function placeOf(reply = ''): { seq: number; delivered: number } {
  const tokens = reply.split('.');
  const first = tokens.length > SHORT_REPLY_TOKENS ? 7 : 5;
  return { seq: Number(tokens[first]), delivered: Number(tokens[first + 1]) };
}
