import type { PeerId } from '@enjambre/core/ids';
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
import { idReused, isSameContent, sizeOf, type Delivery } from '../../domain/message.js';
import { Mailbox } from './mailbox.js';
import { MemoryInbox } from './memory-inbox.js';
import { Queue } from './queue.js';

export interface MemoryStoreOptions {
  /** Lifetime of messages in milliseconds. */
  readonly maxAgeMs: number;
  /** Limit of all messages together, with sizes as in {@link sizeOf}; the oldest are dropped first. */
  readonly maxBytes: number;
  readonly maxMessages: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** A stored message: its place in the store is its delivery id for each receiver. */
type Entry = Outgoing & Delivery;

/** Ids reserved per millisecond: after a restart, ids start above all earlier ones. */
const IDS_PER_MS = 1000;
/** Approximate limit of text bytes in a page of history, so that it fits into a gRPC message. */
const MAX_PAGE_BYTES = 1 << 20;

/** Stores messages for the lifetime of the process, within limits. */
export class MemoryStore implements MessageStore {
  readonly available = true;
  readonly #options: MemoryStoreOptions;
  readonly #entries = new Queue<Entry>();
  #bytes = 0;
  #nextId: number;
  readonly #byKey = new Map<string, Entry>();
  readonly #mailboxes = new Map<PeerId, Mailbox>();
  readonly #histories = new Map<PeerId, Queue<Entry>>();

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#nextId = options.clock() * IDS_PER_MS;
  }

  get pending(): Backlog {
    let messages = 0;
    let bytes = 0;
    for (const mailbox of this.#mailboxes.values()) {
      messages += mailbox.messages;
      bytes += mailbox.bytes;
    }
    return { messages, bytes };
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const { inbox } of this.#mailboxes.values()) inbox?.close();
    return Promise.resolve();
  }

  contacts(): Promise<Contacts> {
    return Promise.resolve({ peers: [], memberships: [] });
  }

  savePeer(): Promise<void> {
    return Promise.resolve();
  }

  forgetPeer(id: PeerId): Promise<void> {
    this.#mailboxes.get(id)?.inbox?.close();
    this.#mailboxes.delete(id);
    this.#histories.delete(id);
    return Promise.resolve();
  }

  saveMembership(): Promise<void> {
    return Promise.resolve();
  }

  deleteMembership(): Promise<void> {
    return Promise.resolve();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- errors must be rejections
  async put(outgoing: Outgoing): Promise<Kept> {
    const { message, receivers } = outgoing;
    this.#makeRoom(0);
    const before = this.#byKey.get(keyOf(outgoing));
    if (before) {
      if (!isSameContent(before.message, message)) throw idReused(message.id);
      const { skipped } = before;
      return { message: before.message, receivers: before.receivers, skipped, duplicate: true, fresh: false };
    }
    const bytes = sizeOf(message);
    this.#makeRoom(bytes);
    const entry = { ...outgoing, id: this.#nextId, bytes };
    this.#nextId += 1;
    this.#entries.push(entry);
    this.#bytes += bytes;
    this.#byKey.set(keyOf(outgoing), entry);
    for (const peer of partiesOf(entry)) this.#historyOf(peer).push(entry);
    for (const receiver of receivers) this.#mailboxOf(receiver).add(entry);
    return { ...outgoing, duplicate: false, fresh: true };
  }

  backlog(receiver: PeerId): Backlog {
    return this.#mailboxes.get(receiver) ?? { messages: 0, bytes: 0 };
  }

  open(receiver: PeerId, after: number): Promise<Inbox> {
    this.#mailboxes.get(receiver)?.inbox?.close();
    const mailbox = this.#mailboxOf(receiver);
    // A cursor above all ids belongs to another store.
    if (after < this.#nextId) mailbox.acknowledgeUpTo(after);
    const inbox = new MemoryInbox({
      waiting: mailbox.deliveries,
      isKept: (id) => mailbox.has(id),
      onAcknowledge: (id) => mailbox.delete(id),
      onClose: () => {
        if (mailbox.inbox === inbox) mailbox.inbox = undefined;
        if (mailbox.isIdle && this.#mailboxes.get(receiver) === mailbox) this.#mailboxes.delete(receiver);
      },
    });
    mailbox.inbox = inbox;
    return Promise.resolve(inbox);
  }

  history({ peer, matches, before = Infinity, limit }: HistoryQuery): Promise<HistoryPage> {
    this.#makeRoom(0);
    const page: Entry[] = [];
    let bytes = 0;
    for (const entry of this.#histories.get(peer)?.newestFirst() ?? []) {
      if (entry.id >= before || !matches(entry.message)) continue;
      bytes += entry.bytes;
      const last = page.at(-1);
      if (last && (page.length === limit || bytes > MAX_PAGE_BYTES)) {
        return Promise.resolve({ messages: page.map(({ message }) => message), before: last.id });
      }
      page.push(entry);
    }
    return Promise.resolve({ messages: page.map(({ message }) => message) });
  }

  /** Drops expired messages, and the oldest ones until `bytes` more fit. */
  #makeRoom(bytes: number): void {
    const { maxAgeMs, maxBytes, maxMessages, clock } = this.#options;
    const since = clock() - maxAgeMs;
    const more = bytes > 0 ? 1 : 0;
    for (;;) {
      const oldest = this.#entries.first;
      if (!oldest) return;
      const fits = this.#bytes + bytes <= maxBytes && this.#entries.size + more <= maxMessages;
      if (fits && oldest.message.sentAt >= since) return;
      this.#entries.shift();
      this.#drop(oldest);
    }
  }

  /** Drops the oldest entry, which is also the oldest one of each history that contains it. */
  #drop(entry: Entry): void {
    this.#bytes -= entry.bytes;
    this.#byKey.delete(keyOf(entry));
    for (const receiver of entry.receivers) {
      const mailbox = this.#mailboxes.get(receiver);
      mailbox?.delete(entry.id);
      if (mailbox?.isIdle) this.#mailboxes.delete(receiver);
    }
    for (const peer of partiesOf(entry)) {
      const history = this.#histories.get(peer);
      if (history?.first === entry) history.shift();
      if (history?.size === 0) this.#histories.delete(peer);
    }
  }

  #mailboxOf(peer: PeerId): Mailbox {
    let mailbox = this.#mailboxes.get(peer);
    if (!mailbox) this.#mailboxes.set(peer, (mailbox = new Mailbox()));
    return mailbox;
  }

  #historyOf(peer: PeerId): Queue<Entry> {
    let history = this.#histories.get(peer);
    if (!history) this.#histories.set(peer, (history = new Queue()));
    return history;
  }
}

function keyOf({ message }: Outgoing): string {
  return `${message.sender.id}:${message.id}`;
}

/** Sender and receivers, without duplicates. */
function partiesOf({ message, receivers }: Outgoing): Set<PeerId> {
  return new Set([message.sender.id, ...receivers]);
}
