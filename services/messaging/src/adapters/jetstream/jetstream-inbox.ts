import { Backoff } from '@enjambre/core/backoff';
import { sleep } from '@enjambre/common/async/sleep';
import type { Logger } from '@enjambre/common/log/logger';
import { messageOf } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { AckPolicy, DeliverPolicy, nanos, type ConsumerInfo } from 'nats';
import type { Inbox } from '../../app/ports.js';
import { sizeOf, type Delivery } from '../../domain/message.js';
import type { Copy, Pending } from '../../domain/pending.js';
import type { ContactBucket } from './contact-bucket.js';
import { unlessMissing, type JetStream, type JetStreamAccess } from './jetstream-access.js';
import { costEach } from './message-writer.js';
import { inboxSubject, STREAM } from './names.js';
import {
  BEFORE_ALL,
  GapWatch,
  latest,
  placeBefore,
  toDeliveryId,
  toStreamSeq,
  type DeliveryId,
  type IdBase,
  type StreamSeq,
} from './numbering.js';
import { pull, type Pulled } from './pull.js';
import { decodeStored } from './stored.js';

export interface InboxParts {
  readonly access: JetStreamAccess;
  readonly contacts: ContactBucket;
  readonly pending: Pending;
  readonly log: Logger;
}

/** Read-ahead: enough that the receiver does not wait for a round trip. */
const BATCH = 256;
/** Byte limit of the read-ahead, above the largest message of NATS. */
const BATCH_BYTES = 2 << 20;
const PULL_MS = 20_000;
/** NATS must not redeliver by itself: that would break the order. In milliseconds. */
const ACK_WAIT_MS = 7 * 86_400_000;

/** Assumed size of messages from before this process, whose size is unknown. */
export const UNKNOWN_BYTES = 1024;

interface UnderWay {
  acknowledge: () => void;
  readonly copy: Copy;
}

/**
 * The inbox of one receiver over its durable consumer.
 *
 * The consumer records acknowledgements. To get unacknowledged messages in order, it is recreated behind the
 * acknowledged ones at each start: of a session, and whenever messages may have been lost in transit, which a
 * gap in the consumer's numbers or a new connection shows. Its three numberings are explained in
 * `numbering.ts`.
 */
export class JetStreamInbox implements Inbox {
  readonly #parts: InboxParts;
  readonly #receiver: PeerId;
  readonly #closing = new AbortController();
  readonly #buffer: Delivery[] = [];
  /** Read and not yet acknowledged, ascending. */
  readonly #underWay = new Map<StreamSeq, UnderWay>();
  /** Stream sequences up to this one have been read. */
  #lastRead: StreamSeq = BEFORE_ALL;
  readonly #gaps = new GapWatch();
  #idBase: IdBase = 0;
  #wakeReader: (() => void) | undefined;
  #wakePuller: (() => void) | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: InboxParts, receiver: PeerId) {
    this.#parts = parts;
    this.#receiver = receiver;
  }

  /**
   * Creates the consumer, so that failures are reported; then runs by itself.
   *
   * @param afters deliveries up to any of these count as acknowledged
   */
  async start(...afters: readonly DeliveryId[]): Promise<void> {
    await this.#parts.access.use(async (jetStream) => {
      const places = await Promise.all(afters.map((after) => placeOf(jetStream, after)));
      this.#idBase = jetStream.idBase;
      this.#lastRead = latest(...places);
      await this.#makeConsumer(jetStream);
    });
    this.#running = this.#run();
  }

  /**
   * Deliveries up to this one are acknowledged. NATS learns of it a little later: within this process, the
   * next inbox should start from this value.
   */
  get acknowledged(): DeliveryId {
    return toDeliveryId(this.#idBase, this.#floor);
  }

  async next(): Promise<Delivery | undefined> {
    while (!this.#closing.signal.aborted) {
      const delivery = this.#buffer.shift();
      if (this.#buffer.length < BATCH / 2) this.#wakePuller?.();
      if (delivery) return delivery;
      await new Promise<void>((resolve) => (this.#wakeReader = resolve));
    }
    return undefined;
  }

  acknowledge(id: DeliveryId): void {
    const seq = toStreamSeq(this.#idBase, id);
    const underWay = this.#underWay.get(seq);
    if (!underWay || this.#closing.signal.aborted) return;
    this.#underWay.delete(seq);
    this.#parts.pending.remove(underWay.copy);
    underWay.acknowledge();
  }

  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#lastRead = this.#floor;
    this.#underWay.clear();
    this.#buffer.splice(0);
    this.#closing.abort();
    this.#wakeReader?.();
    this.#wakePuller?.();
  }

  /** Resolves when it no longer uses the consumer. */
  async closed(): Promise<void> {
    this.close();
    await this.#running;
  }

  /** Pulls until closed; after a failure or a loss, with a new consumer. */
  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const backoff = new Backoff({ random: Math.random, baseMs: 50, maxMs: 1000 });
    let made = true;
    while (!signal.aborted) {
      try {
        await this.#parts.access.use(async (jetStream) => {
          if (!made) await this.#makeConsumer(jetStream);
          backoff.reset();
          made = false;
          await this.#pullAll(jetStream);
        });
      } catch (error) {
        this.#parts.log.debug(
          { err: error, receiver: { id: this.#receiver } },
          `an inbox restarts: ${messageOf(error)}`,
        );
        await sleep(backoff.next(), signal);
      }
    }
  }

  /** Resolves after a reconnection to NATS, or when the inbox is closed. Throws if a message was lost. */
  async #pullAll({ connection }: JetStream): Promise<void> {
    const lost = new AbortController();
    const unsubscribe = this.#parts.access.onReconnected(() => {
      lost.abort();
      this.#wakePuller?.();
    });
    const signal = AbortSignal.any([lost.signal, this.#closing.signal]);
    const request = { consumer: this.#receiver, maxBytes: BATCH_BYTES, expiresMs: PULL_MS, signal };
    try {
      while (!signal.aborted) {
        const batch = BATCH - this.#buffer.length;
        await pull(connection, { ...request, batch }, (pulled) => {
          if (!signal.aborted) this.#take(pulled);
        });
        if (this.#gaps.hasGap) throw new Error('a delivery was lost on its way from NATS');
        await this.#room(signal);
      }
    } finally {
      unsubscribe();
    }
  }

  /** Waits until the receiver has taken half of the read-ahead. */
  async #room(signal: AbortSignal): Promise<void> {
    while (this.#buffer.length > BATCH / 2 && !signal.aborted) {
      await new Promise<void>((resolve) => (this.#wakePuller = resolve));
    }
  }

  /**
   * Accepts new messages. One that was read before a loss is acknowledged if the receiver has done so;
   * otherwise it is still pending.
   */
  #take(pulled: Pulled): void {
    const { seq, consumerSeq } = pulled;
    this.#gaps.note(consumerSeq);
    if (this.#gaps.hasGap) return;
    const acknowledge = (): void => {
      try {
        pulled.acknowledge();
      } catch (error) {
        // The connection is closed for good, because the service stops; after_delivery_id makes up for the
        // lost acknowledgement.
        this.#parts.log.debug({ err: error }, 'an acknowledgement could not be passed on');
      }
    };
    if (seq <= this.#lastRead) {
      const underWay = this.#underWay.get(seq);
      if (underWay) underWay.acknowledge = acknowledge;
      else acknowledge();
      return;
    }
    this.#lastRead = seq;
    try {
      const { message } = decodeStored(pulled.data);
      const bytes = sizeOf(message);
      const copy = { receiver: this.#receiver, sender: message.sender.id, bytes, cost: costEach(message) };
      this.#underWay.set(seq, { acknowledge, copy });
      this.#buffer.push({ id: toDeliveryId(this.#idBase, seq), message, bytes });
      this.#wakeReader?.();
    } catch (error) {
      this.#parts.log.warn(
        { err: error, seq, subject: pulled.subject },
        'a foreign message in an inbox is ignored',
      );
      acknowledge();
    }
  }

  /** Stream sequences up to this one are acknowledged. */
  get #floor(): StreamSeq {
    const [first] = this.#underWay.keys();
    return first === undefined ? this.#lastRead : placeBefore(first);
  }

  /** The stream was deleted and recreated: its sequences restart, and nothing of the old stream is left. */
  #moveTo(idBase: IdBase): void {
    this.#idBase = idBase;
    this.#lastRead = BEFORE_ALL;
    this.#underWay.clear();
  }

  async #makeConsumer({ jsm, idBase }: JetStream): Promise<void> {
    const { contacts, pending } = this.#parts;
    const name = this.#receiver;
    if (idBase !== this.#idBase) this.#moveTo(idBase);
    const before = await unlessMissing(jsm.consumers.info(STREAM, name));
    const acknowledged = (before?.ack_floor.stream_seq ?? BEFORE_ALL) as StreamSeq;
    const floor = latest(this.#floor, toStreamSeq(idBase, contacts.cursor(name)), acknowledged);
    // If the service crashes between the next two steps, the saved cursor remains.
    await contacts.saveCursor(name, toDeliveryId(idBase, floor));
    if (before) await unlessMissing(jsm.consumers.delete(STREAM, name));
    const made: ConsumerInfo = await jsm.consumers.add(STREAM, {
      durable_name: name,
      filter_subject: inboxSubject(name),
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(ACK_WAIT_MS),
      max_ack_pending: -1,
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: floor + 1,
    });
    this.#gaps.restart();
    this.#lastRead = latest(this.#lastRead, floor);
    pending.correct(name, made.num_pending, UNKNOWN_BYTES);
  }
}

/**
 * The stream sequence of a delivery id; an id that the stream has not reached belongs to another store, and
 * counts as none.
 */
async function placeOf({ jsm, idBase }: JetStream, after: DeliveryId): Promise<StreamSeq> {
  const seq = toStreamSeq(idBase, after);
  if (seq === BEFORE_ALL) return seq;
  const { state } = await jsm.streams.info(STREAM);
  return seq > state.last_seq ? BEFORE_ALL : seq;
}
