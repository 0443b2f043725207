import type { PeerId } from '@enjambre/core/ids';
import type { DomainEvent } from '../domain/events.js';
import type { KeptName } from '../domain/kept-names.js';
import type { KnownPeer, Membership } from '../domain/roster.js';
import type { Delivery, Message } from '../domain/message.js';
import type { Pending } from '../domain/pending.js';

/** A message as it is stored, and its receivers. */
export interface Stored {
  readonly message: Message;
  readonly receivers: readonly PeerId[];
  /** Number of other receivers that did not get it for lack of room. */
  readonly skipped: number;
}

/** A message to store. */
export interface Outgoing extends Stored {
  /** The party of its sender: its part of mailboxes and of the store is counted. */
  readonly party: string;
}

/** The result of storing a message. */
export interface Kept extends Stored {
  /** True if it had been stored before; message and receivers are then those of the first time. */
  readonly duplicate: boolean;
  /** True if at least one copy is new. */
  readonly fresh: boolean;
}

/** Approximate counts of waiting messages: never much too low. After a restart, whose they are may be unknown. */
export type PendingView = Pick<Pending, 'total' | 'of' | 'ofSender' | 'ofParty' | 'costOf'>;

/** The deliveries of one receiver, as read by its session. */
export interface Inbox {
  /**
   * The next delivery, in id order and in order for each sender; waits for one. Undefined when the inbox is
   * closed. Call it again only after it has resolved.
   */
  next(): Promise<Delivery | undefined>;
  /** Acknowledges a delivery: it is not delivered again. An id that is not in flight is ignored. */
  acknowledge(id: number): void;
  /** Closes the inbox. The receiver's next inbox redelivers what was not acknowledged. */
  close(): void;
}

export interface HistoryQuery {
  readonly peer: PeerId;
  /** Filter of messages. */
  readonly matches: (message: Message) => boolean;
  /** Only messages stored before this place; absent for the newest. */
  readonly before?: number;
  readonly limit: number;
}

export interface HistoryPage {
  /** Newest first. */
  readonly messages: readonly Message[];
  /** Start of the next page; absent after the last page. */
  readonly before?: number;
}

/** Stored peers and rooms. */
export interface Contacts {
  readonly peers: readonly KnownPeer[];
  readonly memberships: readonly Membership[];
  readonly names: readonly KeptName[];
}

/**
 * Stores messages and contacts. Every method may throw `unavailable`; the operation may have succeeded
 * nevertheless, and is safe to repeat.
 */
export interface MessageStore {
  /** False while it is unreachable. */
  readonly available: boolean;
  readonly pending: PendingView;
  start(): Promise<void>;
  stop(): Promise<void>;

  contacts(): Promise<Contacts>;
  savePeer(peer: KnownPeer): Promise<void>;
  /** Removes a peer that has left its rooms, and its waiting messages. */
  forgetPeer(id: PeerId): Promise<void>;
  saveMembership(membership: Membership): Promise<void>;
  deleteMembership(membership: Omit<Membership, 'joinedAt'>): Promise<void>;
  saveName(name: KeptName): Promise<void>;
  /** Removes the name kept for a peer. */
  deleteName(id: PeerId): Promise<void>;

  /**
   * Stores a message in its sender's history and for each receiver, or completes a write interrupted by a
   * crash. Resolves when all copies are stored. Calls for one sender must not overlap. A full store drops
   * messages that all receivers have acknowledged, the oldest first, but none that waits for one. Throws
   * `already-exists` ID_REUSED, `exhausted` STORE_FULL.
   */
  put(outgoing: Outgoing): Promise<Kept>;
  /** Call it when a message is refused because of {@link pending}: counts that may be too high are corrected soon. */
  recount(receiver: PeerId): void;
  /** Its part of the store, in bytes, of a message that waits for this number of receivers. */
  costOf(message: Message, receivers: number): number;
  /**
   * Opens the inbox of a receiver; an open one is closed.
   *
   * @param after deliveries up to this one count as acknowledged
   */
  open(receiver: PeerId, after: number): Promise<Inbox>;
  /** Messages sent or received by a peer. A page may hold fewer than `limit` even if there are more. */
  history(query: HistoryQuery): Promise<HistoryPage>;
}

/** Destination of events. */
export interface EventPublisher {
  publish(event: DomainEvent): void;
}
