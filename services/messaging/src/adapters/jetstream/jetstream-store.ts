import type { Logger } from '@enjambre/common/log/logger';
import { EnjambreError } from '@enjambre/core/error';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import type {
  Backlog,
  Contacts,
  HistoryPage,
  HistoryQuery,
  Inbox,
  Kept,
  MessageStore,
  Outgoing,
} from '../../app/ports.js';
import type { KnownPeer, Membership } from '../../domain/roster.js';
import { Backlogs } from './backlogs.js';
import { ContactBucket } from './contact-bucket.js';
import { JetStreamHistory } from './history.js';
import {
  JetStreamAccess,
  unlessMissing,
  type JetStreamComponents,
  type JetStreamOptions,
} from './jetstream-access.js';
import { JetStreamInbox } from './jetstream-inbox.js';
import { MessageWriter } from './message-writer.js';
import { STREAM } from './names.js';

/** Below this count no sender is refused, so too high a count does no harm. */
const EXACT_FROM = 1000;
const CORRECT_EVERY_MS = 2000;

/**
 * Stores messages in a JetStream stream, and contacts in a KV bucket beside it. Requires nats-server 2.9 or
 * later.
 */
export class JetStreamStore implements MessageStore {
  readonly #access: JetStreamAccess;
  readonly #contacts: ContactBucket;
  readonly #backlogs = new Backlogs();
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
    this.#writer = new MessageWriter(this.#access, this.#backlogs);
    this.#history = new JetStreamHistory(this.#access, log);
  }

  get available(): boolean {
    return this.#access.ready;
  }

  get pending(): Backlog {
    return this.#backlogs.total;
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
        this.#backlogs.correct(parsePeerId(info.name), info.num_pending + info.num_ack_pending);
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
    await this.#access.use(({ jsm }) => unlessMissing(jsm.consumers.delete(STREAM, id)));
    await this.#contacts.forgetPeer(id);
    this.#backlogs.correct(id, 0);
    this.#correctedAt.delete(id);
  }

  saveMembership(membership: Membership): Promise<void> {
    return this.#contacts.saveMembership(membership);
  }

  deleteMembership(membership: Membership): Promise<void> {
    return this.#contacts.deleteMembership(membership);
  }

  put(outgoing: Outgoing): Promise<Kept> {
    return this.#writer.put(outgoing);
  }

  backlog(receiver: PeerId): Backlog {
    const backlog = this.#backlogs.of(receiver);
    if (backlog.messages >= EXACT_FROM) this.#correct(receiver);
    return backlog;
  }

  async open(receiver: PeerId, after: number): Promise<Inbox> {
    const inbox = new JetStreamInbox(
      { access: this.#access, contacts: this.#contacts, backlogs: this.#backlogs, log: this.#log },
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

  /**
   * Messages dropped by age are not counted: the number is requested from NATS now and then, for the next
   * call.
   */
  #correct(receiver: PeerId): void {
    const now = performance.now();
    if (now - (this.#correctedAt.get(receiver) ?? -Infinity) < CORRECT_EVERY_MS) return;
    this.#correctedAt.set(receiver, now);
    const asked = this.#access.use(async ({ jsm }) => {
      const info = await unlessMissing(jsm.consumers.info(STREAM, receiver));
      if (info) this.#backlogs.correct(receiver, info.num_pending + info.num_ack_pending);
    });
    asked.catch((error: unknown) => {
      if (!(error instanceof EnjambreError)) this.#log.warn({ err: error }, 'a backlog could not be counted');
    });
  }
}
