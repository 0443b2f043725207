import { createHash } from 'node:crypto';
import type { PeerId } from '@enjambre/core/ids';
import type { Kept, Outgoing } from '../../app/ports.js';
import { idReused, isSameContent, type Message } from '../../domain/message.js';
import type { Backlogs } from './backlogs.js';
import { unlessMissing, type JetStream, type JetStreamAccess } from './jetstream-access.js';
import { inboxSubject, outboxSubject, STREAM } from './names.js';
import { decodeStored, encodeInbox, encodeOutbox } from './stored.js';

/** Copies of one message in flight to NATS at a time. */
const COPIES_AT_ONCE = 256;

/**
 * Writes messages to the stream: first the sender's copy, which lists the receivers, then one copy for each
 * receiver. NATS drops a copy whose id it knows, so writing a message again completes it without duplicates.
 */
export class MessageWriter {
  constructor(
    private readonly access: JetStreamAccess,
    private readonly backlogs: Backlogs,
  ) {}

  /** Throws `already-exists` ID_REUSED. */
  put(outgoing: Outgoing): Promise<Kept> {
    return this.access.use(async (jetStream) => {
      const before = await this.#putOutbox(jetStream, outgoing);
      const settled = before ?? outgoing;
      const copies = await this.#putInboxes(jetStream, settled);
      return { ...settled, duplicate: before !== undefined, fresh: !before || copies > 0 };
    });
  }

  /** Returns the message stored under that id before, if any. */
  async #putOutbox({ js, jsm }: JetStream, outgoing: Outgoing): Promise<Outgoing | undefined> {
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
  async #putInboxes({ js }: JetStream, { message, receivers }: Outgoing): Promise<number> {
    const data = encodeInbox(message);
    let copies = 0;
    const putOne = async (receiver: PeerId): Promise<void> => {
      const { duplicate } = await js.publish(inboxSubject(receiver), data, {
        msgID: copyId(message, receiver),
      });
      if (duplicate) return;
      copies += 1;
      this.backlogs.add(receiver, message);
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

/**
 * The id of a copy in NATS: a hash, since a message id may contain characters that are invalid in a header.
 */
function copyId({ sender, id }: Message, receiver = ''): string {
  return createHash('sha256').update(`${sender.id}\0${receiver}\0${id}`).digest('base64url');
}
