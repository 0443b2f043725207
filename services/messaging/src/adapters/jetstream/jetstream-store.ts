import type { Logger } from '@enjambre/common/log/logger';
import { EnjambreError } from '@enjambre/core/error';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import type { ConsumerInfo } from 'nats';
import type {
  Contacts,
  HistoryPage,
  HistoryQuery,
  Inbox,
  Kept,
  MessageStore,
  Outgoing,
} from '../../app/ports.js';
import type { Message } from '../../domain/message.js';
import { Pending } from '../../domain/pending.js';
import type { KeptName } from '../../domain/kept-names.js';
import type { KnownPeer, Membership } from '../../domain/roster.js';
import { ContactBucket } from './contact-bucket.js';
import { JetStreamHistory } from './history.js';
import {
  JetStreamAccess,
  unlessMissing,
  type JetStreamComponents,
  type JetStreamOptions,
} from './jetstream-access.js';
import { JetStreamInbox, UNKNOWN_BYTES } from './jetstream-inbox.js';
import { MessageWriter, streamCost } from './message-writer.js';
import { inboxSubject, STREAM } from './names.js';
import { StreamRoom } from './stream-room.js';

const CORRECT_EVERY_MS = 2000;

/**
 * Stores messages in a JetStream stream, and contacts in a KV bucket beside it. Requires nats-server 2.9 or
 * later.
 */
export class JetStreamStore implements MessageStore {
  readonly #access: JetStreamAccess;
  readonly #contacts: ContactBucket;
  readonly pending = new Pending();
  readonly #writer: MessageWriter;
  readonly #history: JetStreamHistory;
  readonly #log: Logger;
  /** Open inboxes, and the last one of each receiver: it has the acknowledged position. */
  readonly #inboxes = new Map<PeerId, JetStreamInbox>();
  readonly #correctedAt = new Map<PeerId, number>();

  constructor({ log, link }: JetStreamComponents, options: JetStreamOptions) {
    this.#log = log;
    this.#access = new JetStreamAccess({ log, link }, options);
    this.#contacts = new ContactBucket(this.#access, log);
    this.#writer = new MessageWriter(this.#access, new StreamRoom(log), this.pending);
    this.#history = new JetStreamHistory(this.#access, log);
  }

  get available(): boolean {
    return this.#access.ready;
  }

  start(): Promise<void> {
    return this.#access.start();
  }

  async stop(): Promise<void> {
    const closing = [...this.#inboxes].map(async ([receiver, inbox]) => {
      await inbox.closed();
      // Acknowledgements that NATS has not received yet would be lost with the connection.
      if (this.available) await this.#contacts.saveCursor(receiver, inbox.acknowledged);
    });
    await Promise.allSettled(closing);
    await this.#access.stop();
  }

  async contacts(): Promise<Contacts> {
    const contacts = await this.#contacts.load();
    await this.#access.use(async ({ jsm }) => {
      for await (const info of jsm.consumers.list(STREAM)) {
        if (info.config.durable_name === undefined) continue;
        this.#recounted(parsePeerId(info.name), info);
      }
    });
    return contacts;
  }

  savePeer(peer: KnownPeer): Promise<void> {
    return this.#contacts.savePeer(peer);
  }

  async forgetPeer(id: PeerId): Promise<void> {
    await this.#inboxes.get(id)?.closed();
    this.#inboxes.delete(id);
    await this.#access.use(async ({ jsm }) => {
      await unlessMissing(jsm.consumers.delete(STREAM, id));
      await jsm.streams.purge(STREAM, { filter: inboxSubject(id) });
    });
    await this.#contacts.forgetPeer(id);
    this.pending.forget(id);
    this.#correctedAt.delete(id);
  }

  saveMembership(membership: Membership): Promise<void> {
    return this.#contacts.saveMembership(membership);
  }

  deleteMembership(membership: Omit<Membership, 'joinedAt'>): Promise<void> {
    return this.#contacts.deleteMembership(membership);
  }

  saveName(name: KeptName): Promise<void> {
    return this.#contacts.saveName(name);
  }

  deleteName(id: PeerId): Promise<void> {
    return this.#contacts.deleteName(id);
  }

  put(outgoing: Outgoing): Promise<Kept> {
    return this.#writer.put(outgoing);
  }

  costOf(message: Message, receivers: number): number {
    return streamCost(message, receivers);
  }

  async open(receiver: PeerId, after: number): Promise<Inbox> {
    const inbox = new JetStreamInbox(
      { access: this.#access, contacts: this.#contacts, pending: this.pending, log: this.#log },
      receiver,
    );
    const before = this.#inboxes.get(receiver);
    await before?.closed();
    await inbox.start(after, before?.acknowledged ?? 0);
    this.#inboxes.set(receiver, inbox);
    return inbox;
  }

  history(query: HistoryQuery): Promise<HistoryPage> {
    return this.#history.page(query);
  }

  /** Messages that expired are still counted: the number is requested from NATS, now and then. */
  recount(receiver: PeerId): void {
    const now = performance.now();
    if (now - (this.#correctedAt.get(receiver) ?? -Infinity) < CORRECT_EVERY_MS) return;
    this.#correctedAt.set(receiver, now);
    const asked = this.#access.use(async ({ jsm }) => {
      const info = await unlessMissing(jsm.consumers.info(STREAM, receiver));
      if (info) this.#recounted(receiver, info);
    });
    asked.catch((error: unknown) => {
      if (!(error instanceof EnjambreError)) this.#log.warn({ err: error }, 'a backlog could not be counted');
    });
  }

  #recounted(receiver: PeerId, { num_pending, num_ack_pending }: ConsumerInfo): void {
    this.pending.correct(receiver, num_pending + num_ack_pending, UNKNOWN_BYTES);
  }
}
