import { Serial } from '@enjambre/common/async/serial';
import type { Logger } from '@enjambre/common/log/logger';
import { storeFull } from '../../domain/message.js';
import type { JetStream } from './jetstream-access.js';
import { ALL_INBOXES, ALL_OUTBOXES, inboxSubject, STREAM } from './names.js';

/** Part of the stream that is freed at once: then most messages need no look at its size. */
const FREED_AT_ONCE = 0.1;
/** Subjects purged between two looks at the size. */
const PURGED_AT_ONCE = 32;
/**
 * Sent copies are history, except that a write that was interrupted is completed with them: those in the newest quarter
 * of the stream are kept for that.
 */
const OLD_PARTS = [0.25, 0.5, 0.75];

/** After an attempt that freed too little, in milliseconds: until then a message that does not fit is refused unseen. */
const FULL_MS = 3000;

interface Size {
  readonly bytes: number;
  readonly maxBytes: number;
}

/**
 * Keeps room in the stream, which refuses new messages when it is full: drops what receivers have acknowledged and old
 * copies of senders, but no message that waits for its receiver.
 */
export class StreamRoom {
  readonly #serial = new Serial();
  /** As of the last look, plus what was stored since. */
  #size: Size | undefined;
  /** Until then there is no use in another attempt. */
  #fullUntil = -Infinity;

  /** @param now in milliseconds from any origin */
  constructor(
    private readonly log: Logger,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Makes room for a message of this size, with all its copies. Throws `exhausted` STORE_FULL. */
  async reserve(jetStream: JetStream, bytes: number): Promise<void> {
    if (!this.#fits(bytes)) {
      await this.#serial.run(async () => {
        if (this.#fits(bytes) || this.now() < this.#fullUntil) return;
        await this.#look(jetStream);
        if (!this.#fits(bytes)) await this.#free(jetStream, bytes);
      });
      if (!this.#fits(bytes)) throw storeFull();
    }
    if (this.#size) this.#size = { ...this.#size, bytes: this.#size.bytes + bytes };
  }

  #fits(bytes: number, part = 1): boolean {
    return this.#size !== undefined && this.#size.bytes + bytes <= part * this.#size.maxBytes;
  }

  async #look({ jsm }: JetStream): Promise<void> {
    const { state, config } = await jsm.streams.info(STREAM);
    this.#size = { bytes: state.bytes, maxBytes: config.max_bytes > 0 ? config.max_bytes : Infinity };
  }

  async #free(jetStream: JetStream, bytes: number): Promise<void> {
    const enough = (): boolean => this.#fits(bytes, 1 - FREED_AT_ONCE);
    await this.#purgeReceived(jetStream, enough);
    const { state } = await jetStream.jsm.streams.info(STREAM);
    for (const part of OLD_PARTS) {
      if (enough()) return;
      const seq = state.first_seq + Math.floor(part * (state.last_seq - state.first_seq));
      await jetStream.jsm.streams.purge(STREAM, { filter: ALL_OUTBOXES, seq });
      await this.#look(jetStream);
    }
    if (enough()) return;
    this.#fullUntil = this.now() + FULL_MS;
    if (!this.#fits(bytes)) this.log.warn('the store is full of messages that wait: new ones are refused');
  }

  /** Purges acknowledged messages, from the inbox with the most of them. */
  async #purgeReceived(jetStream: JetStream, enough: () => boolean): Promise<void> {
    const { jsm } = jetStream;
    const { state } = await jsm.streams.info(STREAM, { subjects_filter: ALL_INBOXES });
    const inboxes: { subject: string; seq: number; received: number }[] = [];
    for await (const { name, ack_floor, num_pending, num_ack_pending } of jsm.consumers.list(STREAM)) {
      const subject = inboxSubject(name);
      const received = (state.subjects?.[subject] ?? 0) - num_pending - num_ack_pending;
      if (received > 0) inboxes.push({ subject, seq: ack_floor.stream_seq + 1, received });
    }
    inboxes.sort((one, other) => other.received - one.received);
    for (let at = 0; at < inboxes.length && !enough(); at += PURGED_AT_ONCE) {
      const purges = inboxes
        .slice(at, at + PURGED_AT_ONCE)
        .map(({ subject, seq }) => jsm.streams.purge(STREAM, { filter: subject, seq }));
      await Promise.all(purges);
      await this.#look(jetStream);
    }
  }
}
