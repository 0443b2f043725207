import { createHash } from 'node:crypto';
import type { PeerId } from '@enjambre/core/ids';
import type { Kept, Outgoing, Stored } from '../../app/ports.js';
import { idReused, isSameContent, sizeOf, type Message } from '../../domain/message.js';
import type { Pending } from '../../domain/pending.js';
import { unlessMissing, type JetStream, type JetStreamAccess } from './jetstream-access.js';
import { inboxSubject, outboxSubject, STREAM } from './names.js';
import { decodeStored, encodeInbox, encodeOutbox } from './stored.js';
import type { StreamRoom } from './stream-room.js';

/** A receiver in the list of the sender's copy, in bytes. */
const RECEIVER_BYTES = 34;
/** Copies of one message in flight to NATS at a time. */
const COPIES_AT_ONCE = 256;

/**
 * Writes messages to the stream: first the sender's copy, which lists the receivers, then one copy for each
 * receiver. NATS drops a copy whose id it knows, so writing a message again completes it without duplicates.
 */
export class MessageWriter {
  constructor(
    private readonly access: JetStreamAccess,
    private readonly room: StreamRoom,
    private readonly pending: Pending,
  ) {}

  /** Throws `already-exists` ID_REUSED, `exhausted` STORE_FULL. */
  put(outgoing: Outgoing): Promise<Kept> {
    return this.access.use(async (jetStream) => {
      await this.room.reserve(jetStream, streamCost(outgoing.message, outgoing.receivers.length));
      const before = await this.#putOutbox(jetStream, outgoing);
      const { message, receivers, skipped } = before ?? outgoing;
      const copies = await this.#putInboxes(jetStream, { ...outgoing, message, receivers });
      return { message, receivers, skipped, duplicate: before !== undefined, fresh: !before || copies > 0 };
    });
  }

  /** Returns the message stored under that id before, if any. */
  async #putOutbox({ js, jsm }: JetStream, outgoing: Outgoing): Promise<Stored | undefined> {
    const { message } = outgoing;
    const subject = outboxSubject(message.sender.id);
    const ack = await js.publish(subject, encodeOutbox(outgoing), { msgID: copyId(message) });
    if (!ack.duplicate) return undefined;
    const stored = await unlessMissing(jsm.streams.getMessage(STREAM, { seq: ack.seq }));
    // Its id is remembered longer than the message: it has been delivered, or was dropped for lack of space.
    if (!stored) return { ...outgoing, receivers: [] };
    const before = decodeStored(stored.data);
    if (!isSameContent(before.message, message)) throw idReused(message.id);
    return before;
  }

  /** Returns the number of new copies. */
  async #putInboxes({ js }: JetStream, { message, receivers, party }: Outgoing): Promise<number> {
    const data = encodeInbox(message);
    const cost = costEach(message);
    let copies = 0;
    const putOne = async (receiver: PeerId): Promise<void> => {
      const { duplicate } = await js.publish(inboxSubject(receiver), data, {
        msgID: copyId(message, receiver),
      });
      if (duplicate) return;
      copies += 1;
      this.pending.add({ receiver, sender: message.sender.id, bytes: sizeOf(message), cost }, party);
    };
    for (let at = 0; at < receivers.length; at += COPIES_AT_ONCE) {
      const puts = receivers.slice(at, at + COPIES_AT_ONCE).map(putOne);
      // Waits for all copies before failing: no copy of this message may follow one of the next message.
      const failed = (await Promise.allSettled(puts)).find(({ status }) => status === 'rejected');
      if (failed?.status === 'rejected') throw failed.reason;
    }
    return copies;
  }
}

/** What a message takes of the stream, in bytes: each receiver has its own copy, and the sender one. */
export function streamCost(message: Message, receivers: number): number {
  return sizeOf(message) + receivers * (sizeOf(message) + RECEIVER_BYTES);
}

/** The part of one receiver: of a message to one peer it includes the sender's copy. */
export function costEach(message: Message): number {
  return message.target.kind === 'peer' ? streamCost(message, 1) : sizeOf(message) + RECEIVER_BYTES;
}

/**
 * The id of a copy in NATS: a hash, since a message id may contain characters that are invalid in a header.
 */
function copyId({ sender, id }: Message, receiver = ''): string {
  return createHash('sha256').update(`${sender.id}\0${receiver}\0${id}`).digest('base64url');
}
