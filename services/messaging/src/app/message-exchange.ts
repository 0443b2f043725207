import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { messageDelivered, messageSent } from '../domain/events.js';
import type { Capacity } from '../domain/capacity.js';
import {
  checkMessageId,
  checkRoomName,
  checkText,
  type Message,
  type PeerRef,
  type TargetRequest,
} from '../domain/message.js';
import { SendRates } from '../domain/send-rates.js';
import { ContactBook } from './contact-book.js';
import type { EventPublisher, HistoryPage, Inbox, Kept, MessageStore } from './ports.js';
import { SenderLanes } from './sender-lanes.js';

export interface MessageExchangeParts {
  readonly store: MessageStore;
  readonly events: EventPublisher;
  readonly capacity: Capacity;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** Counters of the service since its start. */
export interface MessageCounts {
  accepted: number;
  /** Repetitions of messages accepted before. */
  repeated: number;
  /** Copies of accepted messages, one for each receiver; and copies that were skipped. */
  copies: number;
  skipped: number;
  delivered: number;
}

export interface SendRequest {
  readonly id: string;
  readonly target: TargetRequest;
  readonly text: string;
}

export interface RoomView {
  readonly name: string;
  /** Names of the members. */
  readonly members: readonly string[];
}

export interface RoomPage {
  readonly rooms: readonly RoomView[];
  /** True if there are more rooms after the last one. */
  readonly more: boolean;
}

/** Suggested retry delay for a full receiver, in milliseconds: an estimate. */
const FULL_RETRY_MS = 5000;
/** Limit of hellos of one peer that wait for the previous one. */
const MAX_OPENINGS = 8;
/** Limit of members named in one page of rooms, so that a page fits into a gRPC message. */
const MAX_MEMBERS_PER_PAGE = 10_000;

/** The operations of authenticated peers. */
export class MessageExchange {
  readonly counts: MessageCounts = { accepted: 0, repeated: 0, copies: 0, skipped: 0, delivered: 0 };
  readonly #parts: MessageExchangeParts;
  readonly #contacts: ContactBook;
  readonly #rates: SendRates;
  readonly #lanes: SenderLanes;
  /** Opens inboxes of a peer in the order of requests: the last one stays open. */
  readonly #openings = new SenderLanes(MAX_OPENINGS);

  constructor(parts: MessageExchangeParts) {
    const { capacity } = parts;
    this.#parts = parts;
    this.#contacts = new ContactBook(parts);
    this.#rates = new SendRates({ perSecond: capacity.messagesPerSecond, burst: capacity.messageBurst });
    this.#lanes = new SenderLanes(capacity.waitingPerSender);
  }

  /** Registers an authenticated peer: others can now write to it. Throws `exhausted` TOO_MANY_PEERS. */
  async open(peer: PeerRef, after: number): Promise<Inbox> {
    return this.#openings.run(peer.id, async () => {
      await this.#contacts.greet(peer);
      return this.#parts.store.open(peer.id, after);
    });
  }

  /** Accepts a message; the errors are listed at Send in messaging.proto. */
  async send(sender: PeerRef, request: SendRequest): Promise<Kept> {
    checkMessageId(request.id);
    checkText(request.text);
    this.#rates.take(sender.id, this.#parts.clock());
    const kept = await this.#lanes.run(sender.id, () => this.#put(sender, request));
    this.#count(kept);
    if (kept.fresh) this.#parts.events.publish(messageSent(kept.message, this.#parts.capacity.previewChars));
    return kept;
  }

  /** Call it when a receiver has acknowledged a message. */
  delivered(message: Message, receiver: PeerRef): void {
    this.counts.delivered += 1;
    this.#parts.events.publish(messageDelivered(message, receiver));
  }

  /**
   * True if `reader` may read a message of `sender` to `target`, as in the event of the message: it is the sender or
   * one of the receivers. Every greeted peer may read what was for everyone.
   */
  mayRead(reader: PeerId, { sender, target }: { readonly sender: string; readonly target: string }): boolean {
    if (reader === sender || target === 'all' || target === `peer:${reader}`) return true;
    const room = /^room:(.*)$/s.exec(target)?.[1];
    return room !== undefined && this.#contacts.isMember(room, reader);
  }

  async join(peer: PeerRef, room: string): Promise<RoomView> {
    this.#rates.take(peer.id, this.#parts.clock());
    const roster = await this.#lanes.run(peer.id, () => this.#contacts.join(room, peer.id));
    return roomView(roster, room);
  }

  async leave(peer: PeerRef, room: string): Promise<void> {
    this.#rates.take(peer.id, this.#parts.clock());
    await this.#lanes.run(peer.id, () => this.#contacts.leave(room, peer.id));
  }

  /** Rooms after the name `after`, in order. */
  async rooms(after: string, limit: number): Promise<RoomPage> {
    const roster = await this.#contacts.roster();
    const names = roster.rooms.names(after);
    const rooms: RoomView[] = [];
    let members = 0;
    for (const name of names) {
      members += roster.rooms.members(name)?.size ?? 0;
      if (rooms.length === limit || (rooms.length > 0 && members > MAX_MEMBERS_PER_PAGE)) break;
      rooms.push(roomView(roster, name));
    }
    return { rooms, more: rooms.length < names.length };
  }

  /** Sent and received messages of `peer`; `conversation` restricts them to one peer or room. */
  async history(
    peer: PeerRef,
    { conversation, before, limit }: { conversation?: TargetRequest; before?: number; limit: number },
  ): Promise<HistoryPage> {
    this.#rates.take(peer.id, this.#parts.clock());
    const matches = conversation ? await this.#inConversation(peer.id, conversation) : () => true;
    return this.#parts.store.history({
      peer: peer.id,
      matches,
      limit,
      ...(before !== undefined && { before }),
    });
  }

  /** Removes expired data; call it periodically. */
  async prune(connected: ReadonlySet<PeerId>): Promise<void> {
    this.#rates.prune(this.#parts.clock());
    if (this.#parts.store.available) await this.#contacts.prune(connected);
  }

  #count({ duplicate, fresh, receivers, skipped }: Kept): void {
    const { counts } = this;
    if (duplicate) counts.repeated += 1;
    if (duplicate || !fresh) return;
    counts.accepted += 1;
    counts.copies += receivers.length;
    counts.skipped += skipped;
  }

  async #put(sender: PeerRef, { id, target: wanted, text }: SendRequest): Promise<Kept> {
    const { store, clock } = this.#parts;
    const roster = await this.#contacts.roster();
    const { target, receivers: all } = roster.resolve(sender.id, wanted);
    const receivers = all.filter((receiver) => this.#hasRoom(receiver));
    if (receivers.length === 0) throw receiverFull();
    const message = { id, sender, target, text, sentAt: clock() };
    return store.put({ message, receivers, skipped: all.length - receivers.length, party: '' });
  }

  #hasRoom(receiver: PeerId): boolean {
    const { pendingMessages, pendingBytes } = this.#parts.capacity;
    const { messages, bytes } = this.#parts.store.pending.of(receiver);
    return messages < pendingMessages && bytes < pendingBytes;
  }

  async #inConversation(self: PeerId, conversation: TargetRequest): Promise<(message: Message) => boolean> {
    if (conversation.kind === 'everyone') return ({ target }) => target.kind === 'everyone';
    if (conversation.kind === 'room') {
      checkRoomName(conversation.room);
      return ({ target }) => target.kind === 'room' && target.room === conversation.room;
    }
    const { id } = (await this.#contacts.roster()).findPeer(conversation.peer);
    return ({ target, sender }) =>
      target.kind === 'peer' &&
      ((sender.id === self && target.peer.id === id) || (sender.id === id && target.peer.id === self));
  }
}

function roomView(roster: Awaited<ReturnType<ContactBook['roster']>>, name: string): RoomView {
  const members = [...(roster.rooms.members(name) ?? [])].map((id) => roster.nameOf(id)).sort();
  return { name, members };
}

function receiverFull(): EnjambreError {
  const message = `the queue of the receiver is full: send again in ${FULL_RETRY_MS / 1000} s, or when it has read its messages`;
  return new EnjambreError('exhausted', 'RECEIVER_FULL', message, { retryAfterMs: FULL_RETRY_MS });
}
