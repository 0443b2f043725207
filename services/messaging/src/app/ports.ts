import type { PeerId } from '@enjambre/core/ids';
import type { DomainEvent } from '../domain/events.js';
import type { KnownPeer, Membership } from '../domain/roster.js';
import type { Delivery, Message } from '../domain/message.js';

/** A message to keep, and for whom. */
export interface Outgoing {
  readonly message: Message;
  readonly receivers: readonly PeerId[];
  /** How many others should have got it, had there been room. */
  readonly skipped: number;
}

/** What has become of it. */
export interface Kept extends Outgoing {
  /** True if it had been kept before; message and receivers are then those of that time. */
  readonly duplicate: boolean;
  /** True if any copy of it is new. */
  readonly fresh: boolean;
}

/** How much waits for a receiver. */
export interface Backlog {
  readonly messages: number;
  readonly bytes: number;
}

/** The deliveries of one receiver, as its session takes them. */
export interface Inbox {
  /**
   * The next delivery, ids increasing, one sender's in their order; waits for one.
   * Undefined when the inbox is closed. To be called again only after it has resolved.
   */
  next(): Promise<Delivery | undefined>;
  /** The receiver has it: it is not delivered again. An id that is not under way is ignored. */
  acknowledge(id: number): void;
  /** What was not acknowledged is delivered again by the next inbox of that receiver. */
  close(): void;
}

export interface HistoryQuery {
  readonly peer: PeerId;
  /** Only messages that it is true for. */
  readonly matches: (message: Message) => boolean;
  /** Only what was kept before this place; absent for the newest. */
  readonly before?: number;
  readonly limit: number;
}

export interface HistoryPage {
  /** Newest first. */
  readonly messages: readonly Message[];
  /** Where the next page begins; absent if there is no more. */
  readonly before?: number;
}

/** Peers and rooms as they were kept. */
export interface Contacts {
  readonly peers: readonly KnownPeer[];
  readonly memberships: readonly Membership[];
}

/**
 * Keeps messages, and who is who. Every method may throw `unavailable`; what was
 * not done then may have been done all the same, and is safe to do again.
 */
export interface MessageStore {
  /** False while it cannot be reached. */
  readonly available: boolean;
  /** What waits for all receivers together, about. */
  readonly pending: Backlog;
  start(): Promise<void>;
  stop(): Promise<void>;

  contacts(): Promise<Contacts>;
  savePeer(peer: KnownPeer): Promise<void>;
  /** Forgets a peer that has left its rooms, and what still waits for it. */
  forgetPeer(id: PeerId): Promise<void>;
  saveMembership(membership: Membership): Promise<void>;
  deleteMembership(membership: Membership): Promise<void>;

  /**
   * Keeps a message for its sender's history and for each receiver, or completes what a
   * crash has left undone. Resolves when all copies are kept. Calls for one sender must
   * not overlap. Throws `already-exists` ID_REUSED.
   */
  put(outgoing: Outgoing): Promise<Kept>;
  /** What waits for a receiver, about: never much less than there is. */
  backlog(receiver: PeerId): Backlog;
  /**
   * Opens the inbox of a receiver; one that is open already is closed.
   *
   * @param after deliveries up to this one count as acknowledged
   */
  open(receiver: PeerId, after: number): Promise<Inbox>;
  /** Messages sent or received by a peer. A page may hold less than `limit` though there is more. */
  history(query: HistoryQuery): Promise<HistoryPage>;
}

/** Where events go. */
export interface EventPublisher {
  publish(event: DomainEvent): void;
}
