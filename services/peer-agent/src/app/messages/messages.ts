import { EnjambreError, messageOf } from '@enjambre/core/error';
import { Serial } from '@enjambre/common/async/serial';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import type { PeerId } from '@enjambre/core/ids';
import {
  Inbox,
  type ChatMessage,
  type InboxEntry,
  type InboxMessage,
  type MessageTarget,
} from '../../domain/inbox.js';
import { AddressBook } from './address-book.js';
import type { Delivery, DeliveryListener, Page, Receipt, RelayPort, Room } from '../ports/messaging.js';
import type { InboxArchive, NameArchive } from '../ports/archives.js';
import type { Clock } from '@enjambre/common/async/clock';

export interface MessagesComponents {
  readonly clock: Clock;
  readonly archive: InboxArchive;
  readonly names: NameArchive;
  /** This agent. */
  readonly self: { readonly peerId: PeerId; readonly name: string };
  /** Absent if the agent has no messaging service. */
  readonly relay: RelayPort | undefined;
  readonly log: Logger;
}

/** Number of obsolete entries that the file may contain. */
const COMPACT_AFTER = 5000;

/** The messages of this agent: its inbox, and its calls to the messaging service. */
export class Messages implements DeliveryListener, Startable {
  readonly #inbox = new Inbox();
  readonly #contacts: AddressBook;
  readonly #serial = new Serial();
  readonly #watchers = new Set<() => void>();
  /** Entries in the file. */
  #entries = 0;
  /** The file is rewritten when it has this many entries. */
  #compactAt = COMPACT_AFTER;
  /** The last write failed or is not finished: the file may end in a partial line. */
  #torn = false;

  constructor(private readonly parts: MessagesComponents) {
    this.#contacts = new AddressBook(parts);
    parts.relay?.receive(this);
  }

  async start(): Promise<void> {
    for (const entry of await this.parts.archive.load()) {
      this.#inbox.apply(entry);
      this.#entries += 1;
    }
    await this.#contacts.load([...this.#inbox.list()].map(({ message }) => message));
  }

  async stop(): Promise<void> {
    await this.#serial.idle();
    await this.#contacts.idle();
  }

  /** Number of the newest message; 0 if there is none. */
  get last(): number {
    return this.#inbox.last;
  }

  get unread(): number {
    return this.#inbox.unread;
  }

  get cursor(): bigint {
    return this.#inbox.cursor;
  }

  get hasRoom(): boolean {
    return !this.#inbox.isFull;
  }

  deliver(deliveries: readonly Delivery[]): Promise<void> {
    return this.#serial.run(async () => {
      const entries: InboxEntry[] = [];
      for (const { message, deliveryId } of deliveries) {
        const entry = this.#inbox.receive(message, deliveryId, this.parts.clock.epochMs());
        if (!entry) continue;
        this.#inbox.apply(entry);
        entries.push(entry);
      }
      this.#contacts.meet(deliveries.map(({ message }) => message));
      await this.#save(entries);
      if (entries.length > 0) for (const watcher of [...this.#watchers]) watcher();
    });
  }

  /** Joins all rooms again: the members restore the rooms of a messaging service that lost them. */
  connected(): void {
    for (const room of this.#inbox.rooms) {
      this.#relay.joinRoom(room).catch((error: unknown) => {
        this.parts.log.warn({ room }, `could not rejoin room ${room}: ${messageOf(error)}`);
      });
    }
  }

  /** A name means the peer that this agent met first under it. Throws `not-found` UNKNOWN_PEER if that is gone. */
  send({ target, ...message }: { id: string; target: MessageTarget; text: string }): Promise<Receipt> {
    return this.#contacts.written(target, (to) => this.#relay.send({ ...message, target: to }));
  }

  async history(target: MessageTarget | undefined, page: Page): ReturnType<RelayPort['history']> {
    const { messages, nextToken } = await this.#relay.history(target && this.#contacts.meant(target), page);
    return { messages: messages.map((message) => this.#named(message)), nextToken };
  }

  async joinRoom(name: string): Promise<Room> {
    const room = await this.#relay.joinRoom(name);
    await this.#keep({ type: 'room', room: name, joined: true });
    return room;
  }

  /** Throws `not-found` NOT_A_MEMBER if neither this agent nor the messaging service has the membership. */
  async leaveRoom(name: string): Promise<void> {
    const departure = await this.#relay.leaveRoom(name);
    // The service lost the room, or the answer to an earlier, successful attempt was lost.
    if (!departure.wasMember && !this.#inbox.rooms.includes(name)) throw departure.error;
    await this.#keep({ type: 'room', room: name, joined: false });
  }

  rooms(page: Page): ReturnType<RelayPort['rooms']> {
    return this.#relay.rooms(page);
  }

  /** Messages with a number above `after`, oldest first; at most `limit`. */
  list(options: { after: number; unreadOnly: boolean; limit: number }): InboxMessage[] {
    const found: InboxMessage[] = [];
    for (const message of this.#inbox.list(options)) {
      if (found.length === options.limit) break;
      found.push({ ...message, message: this.#named(message.message) });
    }
    return found;
  }

  #named(message: ChatMessage): ChatMessage {
    return this.#contacts.named(message);
  }

  /** Marks messages as read. */
  async markRead(numbers: readonly number[]): Promise<void> {
    if (numbers.length === 0) return;
    await this.#keep({ type: 'read', numbers });
    if (this.hasRoom) this.parts.relay?.wake();
  }

  /** Calls `listener` when messages arrive. Returns a function that ends the watch. */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  get #relay(): RelayPort {
    if (this.parts.relay) return this.parts.relay;
    const message = 'this agent has no messaging service';
    throw new EnjambreError('precondition', 'NO_MESSAGING', message, {
      metadata: { remedy: 'set-messaging' },
    });
  }

  #keep(entry: InboxEntry): Promise<void> {
    return this.#serial.run(async () => {
      this.#inbox.apply(entry);
      await this.#save([entry]);
    });
  }

  /** Saves applied entries. After a failure the file is rewritten: it may contain a partial line. */
  async #save(entries: readonly InboxEntry[]): Promise<void> {
    if (entries.length === 0 && !this.#torn) return;
    const rewrite = this.#torn || this.#entries >= this.#compactAt;
    this.#torn = true;
    if (rewrite) {
      const snapshot = [...this.#inbox.snapshot()];
      await this.parts.archive.replace(snapshot);
      this.#entries = snapshot.length;
      this.#compactAt = 2 * snapshot.length + COMPACT_AFTER;
    } else {
      await this.parts.archive.append(entries);
      this.#entries += entries.length;
    }
    this.#torn = false;
  }
}
