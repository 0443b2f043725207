import type { PeerId } from '@enjambre/core/ids';
import type {
  Contacts,
  HistoryPage,
  HistoryQuery,
  Inbox,
  Kept,
  MessageStore,
  Outgoing,
} from '../../app/ports.js';
import {
  idReused,
  isSameContent,
  sizeOf,
  storeFull,
  type Delivery,
  type Message,
} from '../../domain/message.js';
import { Pending, type Copy } from '../../domain/pending.js';
import { LiveQueue } from './live-queue.js';
import { Mailbox } from './mailbox.js';
import { MemoryInbox } from './memory-inbox.js';

export interface MemoryStoreOptions {
  /** Lifetime of messages in milliseconds. */
  readonly maxAgeMs: number;
  /** Limit of all messages together, with sizes as in {@link MemoryStore.costOf}. */
  readonly maxBytes: number;
  readonly maxMessages: number;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** A stored message: its place in the store is its delivery id for each receiver. */
interface Entry extends Delivery {
  /** Both are replaced when it is dropped: a queue may refer to it for a while. */
  message: Message;
  outgoing: Outgoing;
  /** Its part of the store, and that of one of its receivers. */
  readonly cost: number;
  readonly costEach: number;
  /** Number of receivers that it waits for. */
  waiting: number;
  dropped: boolean;
}

/** Ids reserved per millisecond: after a restart, ids start above all earlier ones. */
const IDS_PER_MS = 1000;
/** Approximate limit of text bytes in a page of history, so that it fits into a gRPC message. */
const MAX_PAGE_BYTES = 1 << 20;
/** Limit of messages that one page of history searches, so that it costs milliseconds. */
const MAX_SEARCHED = 5000;
/** Approximate memory of a receiver of a stored message: its places in list, mailbox, inbox and history. Measured. */
const BYTES_PER_RECEIVER = 256;

/** In place of a message that was dropped. */
const GONE: Outgoing = {
  message: {
    id: '',
    sender: { id: '' as PeerId, name: '' },
    target: { kind: 'everyone' },
    text: '',
    sentAt: 0,
  },
  receivers: [],
  skipped: 0,
  party: '',
};

/** Stores messages for the lifetime of the process, within limits. */
export class MemoryStore implements MessageStore {
  readonly available = true;
  readonly pending = new Pending();
  readonly #options: MemoryStoreOptions;
  readonly #entries = new LiveQueue<Entry>();
  /** Those that all receivers have acknowledged: they are dropped first. */
  readonly #delivered = new LiveQueue<Entry>();
  #bytes = 0;
  #nextId: number;
  readonly #byKey = new Map<string, Entry>();
  readonly #mailboxes = new Map<PeerId, Mailbox<Entry>>();
  readonly #histories = new Map<PeerId, LiveQueue<Entry>>();

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#nextId = options.clock() * IDS_PER_MS;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    for (const { inbox } of this.#mailboxes.values()) inbox?.close();
    return Promise.resolve();
  }

  contacts(): Promise<Contacts> {
    return Promise.resolve({ peers: [], memberships: [], names: [] });
  }

  savePeer(): Promise<void> {
    return Promise.resolve();
  }

  forgetPeer(id: PeerId): Promise<void> {
    const mailbox = this.#mailboxes.get(id);
    mailbox?.inbox?.close();
    for (const entry of mailbox?.takeUpTo(Infinity) ?? []) this.#settle(entry, id);
    this.#mailboxes.delete(id);
    return Promise.resolve();
  }

  saveMembership(): Promise<void> {
    return Promise.resolve();
  }

  deleteMembership(): Promise<void> {
    return Promise.resolve();
  }

  saveName(): Promise<void> {
    return Promise.resolve();
  }

  deleteName(): Promise<void> {
    return Promise.resolve();
  }

  /** Its counts are exact. */
  recount(): void {}

  /**
   * The text is stored once for all receivers. A small message costs its part of the number of messages, so that a part
   * of the bytes is a part of the number.
   */
  costOf(message: Message, receivers: number): number {
    const { maxBytes, maxMessages } = this.#options;
    return Math.max(sizeOf(message) + receivers * BYTES_PER_RECEIVER, Math.floor(maxBytes / maxMessages));
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- errors must be rejections
  async put(outgoing: Outgoing): Promise<Kept> {
    const { message, receivers, skipped } = outgoing;
    this.#expire();
    const before = this.#byKey.get(keyOf(outgoing));
    if (before) {
      if (!isSameContent(before.message, message)) throw idReused(message.id);
      const { receivers, skipped } = before.outgoing;
      return { message: before.message, receivers, skipped, duplicate: true, fresh: false };
    }
    const cost = this.costOf(message, receivers.length);
    if (!this.#makeRoom(cost)) throw storeFull();
    this.#keep(outgoing, cost);
    return { message, receivers, skipped, duplicate: false, fresh: true };
  }

  open(receiver: PeerId, after: number): Promise<Inbox> {
    this.#mailboxes.get(receiver)?.inbox?.close();
    const mailbox = this.#mailboxOf(receiver);
    // A cursor above all ids belongs to another store.
    if (after < this.#nextId) for (const entry of mailbox.takeUpTo(after)) this.#settle(entry, receiver);
    const inbox = new MemoryInbox({
      waiting: mailbox.deliveries,
      isKept: (id) => mailbox.has(id),
      onAcknowledge: (id) => {
        const entry = mailbox.take(id);
        if (entry) this.#settle(entry, receiver);
      },
      onClose: () => {
        if (mailbox.inbox === inbox) mailbox.inbox = undefined;
        if (mailbox.isIdle && this.#mailboxes.get(receiver) === mailbox) this.#mailboxes.delete(receiver);
      },
    });
    mailbox.inbox = inbox;
    return Promise.resolve(inbox);
  }

  history({ peer, matches, before = Infinity, limit }: HistoryQuery): Promise<HistoryPage> {
    this.#expire();
    const messages: Message[] = [];
    let bytes = 0;
    let searched = 0;
    let last = before;
    for (const entry of this.#histories.get(peer)?.newestFirst() ?? []) {
      if (entry.id >= before) continue;
      if (searched === MAX_SEARCHED) return Promise.resolve({ messages, before: last });
      searched += 1;
      if (matches(entry.message)) {
        bytes += entry.bytes;
        if (messages.length > 0 && (messages.length === limit || bytes > MAX_PAGE_BYTES))
          return Promise.resolve({ messages, before: last });
        messages.push(entry.message);
      }
      last = entry.id;
    }
    return Promise.resolve({ messages });
  }

  #keep(outgoing: Outgoing, cost: number): void {
    const { message, receivers, party } = outgoing;
    const bytes = sizeOf(message);
    const costEach = receivers.length === 0 ? 0 : Math.ceil(cost / receivers.length);
    const waiting = receivers.length;
    const entry = { id: this.#nextId, message, bytes, outgoing, cost, costEach, waiting, dropped: false };
    this.#nextId += 1;
    this.#entries.push(entry);
    this.#bytes += cost;
    this.#byKey.set(keyOf(outgoing), entry);
    for (const peer of partiesOf(entry)) this.#historyOf(peer).push(entry);
    for (const receiver of receivers) {
      this.#mailboxOf(receiver).add(entry);
      this.pending.add(copyOf(entry, receiver), party);
    }
    if (waiting === 0) this.#delivered.push(entry);
  }

  /** An entry no longer waits for this receiver. */
  #settle(entry: Entry, receiver: PeerId): void {
    this.pending.remove(copyOf(entry, receiver));
    entry.waiting -= 1;
    if (entry.waiting === 0 && !entry.dropped) this.#delivered.push(entry);
  }

  #expire(): void {
    const since = this.#options.clock() - this.#options.maxAgeMs;
    for (let { first } = this.#entries; first && first.message.sentAt < since; first = this.#entries.first)
      this.#drop(first);
  }

  /** Drops delivered entries until one more of this size fits; false if it does not fit. */
  #makeRoom(cost: number): boolean {
    const { maxBytes, maxMessages } = this.#options;
    for (;;) {
      if (this.#bytes + cost <= maxBytes && this.#entries.size < maxMessages) return true;
      const oldest = this.#delivered.first;
      if (!oldest) return false;
      this.#drop(oldest);
    }
  }

  #drop(entry: Entry): void {
    const wasDelivered = entry.waiting === 0;
    entry.dropped = true;
    this.#bytes -= entry.cost;
    this.#byKey.delete(keyOf(entry.outgoing));
    this.#entries.noteDropped();
    if (wasDelivered) this.#delivered.noteDropped();
    else for (const receiver of entry.outgoing.receivers) this.#takeFrom(receiver, entry);
    for (const peer of partiesOf(entry)) {
      const history = this.#histories.get(peer);
      history?.noteDropped();
      if (history?.size === 0) this.#histories.delete(peer);
    }
    entry.message = GONE.message;
    entry.outgoing = GONE;
  }

  #takeFrom(receiver: PeerId, entry: Entry): void {
    const mailbox = this.#mailboxes.get(receiver);
    if (mailbox?.take(entry.id)) this.#settle(entry, receiver);
    if (mailbox?.isIdle) this.#mailboxes.delete(receiver);
  }

  #mailboxOf(peer: PeerId): Mailbox<Entry> {
    let mailbox = this.#mailboxes.get(peer);
    if (!mailbox) this.#mailboxes.set(peer, (mailbox = new Mailbox()));
    return mailbox;
  }

  #historyOf(peer: PeerId): LiveQueue<Entry> {
    let history = this.#histories.get(peer);
    if (!history) this.#histories.set(peer, (history = new LiveQueue()));
    return history;
  }
}

function copyOf({ message, bytes, costEach }: Entry, receiver: PeerId): Copy {
  return { receiver, sender: message.sender.id, bytes, cost: costEach };
}

function keyOf({ message }: Outgoing): string {
  return `${message.sender.id}:${message.id}`;
}

/** Sender and receivers, without duplicates. */
function partiesOf({ message, outgoing }: Entry): Set<PeerId> {
  return new Set([message.sender.id, ...outgoing.receivers]);
}
