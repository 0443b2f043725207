import type { PeerId } from '@enjambre/core/ids';
import { messageDelivered, messageSent } from '../domain/events.js';
import type { Capacity } from '../domain/capacity.js';
import {
  checkMessageId,
  checkRoomName,
  checkText,
  type Caller,
  type Message,
  type PeerRef,
  type TargetRequest,
} from '../domain/message.js';
import { CallRates } from '../domain/call-rates.js';
import type { PartyQuotas } from '../domain/party-quotas.js';
import type { Roster } from '../domain/roster.js';
import { Admission } from './admission.js';
import { ContactBook } from './contact-book.js';
import type { EventPublisher, HistoryPage, Inbox, Kept, MessageStore } from './ports.js';
import { SenderLanes } from './sender-lanes.js';

export interface MessageExchangeParts {
  readonly store: MessageStore;
  readonly events: EventPublisher;
  readonly capacity: Capacity;
  /** What the peers of one party may use together. */
  readonly quotas: PartyQuotas;
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
  /** By name. */
  readonly members: readonly PeerRef[];
}

export interface RoomPage {
  readonly rooms: readonly RoomView[];
  /** True if there are more rooms after the last one. */
  readonly more: boolean;
}

/** A message as its event names it. */
export interface SentFact {
  readonly sender: string;
  /** "peer:ID", "room:NAME" or "all". */
  readonly target: string;
  /** Milliseconds since 1970. */
  readonly sentAt: number;
}

/** Limit of hellos of one peer that wait for the previous one. */
const MAX_OPENINGS = 8;
/** Limit of look-ups of one peer that wait for the previous one. */
const MAX_LOOKUPS = 16;
/** Limit of members named in one page of rooms: they are sorted, and a page must fit into a gRPC message. */
const MAX_MEMBERS_PER_PAGE = 2000;

/** The operations of authenticated peers. */
export class MessageExchange {
  readonly counts: MessageCounts = { accepted: 0, repeated: 0, copies: 0, skipped: 0, delivered: 0 };
  readonly #parts: MessageExchangeParts;
  readonly #contacts: ContactBook;
  readonly #rates: CallRates;
  readonly #admission: Admission;
  readonly #lanes: SenderLanes;
  /** Opens inboxes of a peer in the order of requests: the last one stays open. */
  readonly #openings = new SenderLanes(MAX_OPENINGS);
  readonly #lookups = new SenderLanes(MAX_LOOKUPS);

  constructor(parts: MessageExchangeParts) {
    this.#parts = parts;
    this.#contacts = new ContactBook(parts);
    this.#rates = new CallRates(parts.capacity, parts.quotas);
    this.#admission = new Admission(parts);
    this.#lanes = new SenderLanes(parts.capacity.waitingPerSender);
  }

  /** Registers an authenticated peer: others can now write to it. Throws `exhausted` TOO_MANY_PEERS, TOO_FAST. */
  async open(peer: Caller, after: number): Promise<Inbox> {
    this.#rates.hello(peer, this.#parts.clock());
    return this.#openings.run(peer.id, async () => {
      await this.#contacts.greet(peer);
      return this.#parts.store.open(peer.id, after);
    });
  }

  /** Accepts a message; the errors are listed at Send in messaging.proto. */
  async send(sender: Caller, request: SendRequest): Promise<Kept> {
    checkMessageId(request.id);
    checkText(request.text);
    this.#rates.call(sender, this.#parts.clock());
    const kept = await this.#lanes.run(sender.id, () => this.#put(sender, request));
    this.#count(kept);
    this.#contacts.tookPart(sender.id);
    if (kept.fresh) this.#parts.events.publish(messageSent(kept.message, this.#parts.capacity.previewChars));
    return kept;
  }

  /** Call it for a call with a wrong token. Throws `exhausted` TOO_FAST. */
  refused(party: string): void {
    this.#rates.wrongToken(party, this.#parts.clock());
  }

  /** Call it for a caller of WatchEvents. Throws `exhausted` TOO_FAST. */
  watched(party: string): void {
    this.#rates.watch(party, this.#parts.clock());
  }

  /** Number of other known peers with the name of a peer. */
  namesakesOf(id: PeerId): number {
    return this.#contacts.loaded?.namesakesOf(id) ?? 0;
  }

  /** Call it when a receiver has acknowledged a message. A message to many is one event, not one for each of them. */
  delivered(message: Message, { id }: PeerRef): void {
    this.counts.delivered += 1;
    if (message.target.kind !== 'everyone') this.#contacts.tookPart(id);
    if (message.target.kind === 'peer')
      this.#parts.events.publish(messageDelivered(message, message.target.peer));
  }

  /**
   * True if `reader` may read a message of `sender` to `target` that was sent at `sentAt`, as in the event of the
   * message: it is the sender or one of the receivers. A member of a room may read what was sent since it joined, a
   * known peer what was sent to everyone since its first hello.
   */
  mayRead(reader: PeerId, { sender, target, sentAt }: SentFact): boolean {
    if (reader === sender || target === `peer:${reader}`) return true;
    const roster = this.#contacts.loaded;
    const room = /^room:(.*)$/s.exec(target)?.[1];
    let since: number | undefined;
    if (target === 'all') since = roster?.get(reader)?.knownSince;
    else if (room !== undefined) since = roster?.rooms.joinedAt(room, reader);
    return since !== undefined && sentAt >= since;
  }

  async join(peer: Caller, room: string): Promise<RoomView> {
    this.#rates.call(peer, this.#parts.clock());
    const roster = await this.#lanes.run(peer.id, () => this.#contacts.join(room, peer));
    return roomView(roster, room);
  }

  async leave(peer: Caller, room: string): Promise<void> {
    this.#rates.call(peer, this.#parts.clock());
    await this.#lanes.run(peer.id, () => this.#contacts.leave(room, peer.id));
  }

  /** Rooms after the name `after`, in order. */
  async rooms(peer: Caller, after: string, limit: number): Promise<RoomPage> {
    this.#rates.lookup(peer, this.#parts.clock());
    const roster = await this.#contacts.roster();
    const names = roster.rooms.names(after, limit + 1);
    const rooms: RoomView[] = [];
    let members = 0;
    for (const name of names) {
      members += roster.rooms.size(name);
      if (rooms.length === limit || (rooms.length > 0 && members > MAX_MEMBERS_PER_PAGE)) break;
      rooms.push(roomView(roster, name));
    }
    return { rooms, more: rooms.length < names.length };
  }

  /** Sent and received messages of `peer`; `conversation` restricts them to one peer or room. */
  async history(
    peer: Caller,
    { conversation, before, limit }: { conversation?: TargetRequest; before?: number; limit: number },
  ): Promise<HistoryPage> {
    this.#rates.lookup(peer, this.#parts.clock());
    const matches = conversation ? await this.#inConversation(peer.id, conversation) : () => true;
    const query = { peer: peer.id, matches, limit, ...(before !== undefined && { before }) };
    return this.#lookups.run(peer.id, () => this.#parts.store.history(query));
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

  async #put(sender: Caller, { id, target: wanted, text }: SendRequest): Promise<Kept> {
    const { store, clock } = this.#parts;
    const roster = await this.#contacts.roster();
    const now = clock();
    if (wanted.kind !== 'peer') this.#rates.copies(sender, now, roster.receiversOf(wanted));
    const { target, receivers: all } = roster.resolve(sender.id, wanted);
    const from = { id: sender.id, name: roster.shownName(sender.id) };
    const message = { id, sender: from, target, text, sentAt: now };
    return this.#admission.run(message, sender, all, (receivers) =>
      store.put({ message, receivers, skipped: all.length - receivers.length, party: sender.party }),
    );
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

function roomView(roster: Roster, name: string): RoomView {
  const members = (roster.rooms.members(name) ?? [])
    .map((id) => ({ id, name: roster.shownName(id) }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  return { name, members };
}
