import type { PeerId } from '@enjambre/core/ids';

/** Recipient of a message. */
export type MessageTarget =
  | { readonly kind: 'peer'; readonly peer: string }
  | { readonly kind: 'room'; readonly room: string }
  | { readonly kind: 'everyone' };

/** A message as its sender wrote it and the messaging service accepted it. */
export interface ChatMessage {
  /** Chosen by the sender; unique per sender. */
  readonly id: string;
  readonly senderId: PeerId;
  readonly senderName: string;
  readonly target: MessageTarget;
  /** Name of the recipient when the message was sent, of the room, or "everyone". */
  readonly targetName: string;
  readonly text: string;
  /** Milliseconds since the Unix epoch. */
  readonly sentAtMs: number;
}

export interface InboxMessage {
  /** Increases from 1 within this inbox. */
  readonly number: number;
  readonly message: ChatMessage;
  readonly receivedAtMs: number;
  readonly read: boolean;
}

/** A change of an inbox; replaying all changes in order rebuilds it. */
export type InboxEntry =
  | {
      readonly type: 'received';
      readonly number: number;
      readonly message: ChatMessage;
      readonly receivedAtMs: number;
      readonly deliveryId: bigint;
    }
  | { readonly type: 'read'; readonly numbers: readonly number[] }
  | { readonly type: 'room'; readonly room: string; readonly joined: boolean };

export interface InboxLimits {
  readonly messages: number;
  /** Total number of characters in all texts. */
  readonly characters: number;
}

export const DEFAULT_INBOX_LIMITS: InboxLimits = { messages: 10_000, characters: 32 << 20 };

/**
 * The messages received by an agent, each stored once however often it is delivered. When the inbox is full, the oldest
 * read messages are dropped; unread messages never are: the inbox then accepts no more, and the messaging service keeps
 * them.
 */
export class Inbox {
  readonly #messages = new Map<number, InboxMessage>();
  readonly #keys = new Set<string>();
  readonly #rooms = new Set<string>();
  #cursor = 0n;
  #next = 1;
  #unread = 0;
  #unreadCharacters = 0;
  #characters = 0;

  constructor(private readonly limits: InboxLimits = DEFAULT_INBOX_LIMITS) {}

  /** Id of the last delivery received; 0 if there was none. */
  get cursor(): bigint {
    return this.#cursor;
  }

  /** Rooms that this agent has joined. */
  get rooms(): readonly string[] {
    return [...this.#rooms];
  }

  /** Number of the newest message ever received; 0 if there was none. */
  get last(): number {
    return this.#next - 1;
  }

  get unread(): number {
    return this.#unread;
  }

  /** True if no message can be accepted until some are read. */
  get isFull(): boolean {
    return this.#unread >= this.limits.messages || this.#unreadCharacters >= this.limits.characters;
  }

  /** The entry that records a delivery; undefined if the message is already in the inbox. */
  receive(message: ChatMessage, deliveryId: bigint, nowMs: number): InboxEntry | undefined {
    if (this.#keys.has(keyOf(message))) return undefined;
    return { type: 'received', number: this.#next, message, receivedAtMs: nowMs, deliveryId };
  }

  apply(entry: InboxEntry): void {
    switch (entry.type) {
      case 'received':
        return this.#add(entry);
      case 'read':
        for (const number of entry.numbers) this.#markRead(number);
        return;
      case 'room':
        if (entry.joined) this.#rooms.add(entry.room);
        else this.#rooms.delete(entry.room);
    }
  }

  /** Messages with a number above `after`, oldest first. */
  *list({ after = 0, unreadOnly = false } = {}): Iterable<InboxMessage> {
    for (const message of this.#messages.values()) {
      if (message.number > after && !(unreadOnly && message.read)) yield message;
    }
  }

  /** The shortest list of entries that rebuilds this inbox, without what is no longer needed. */
  *snapshot(): Iterable<InboxEntry> {
    const read: number[] = [];
    for (const { number, message, receivedAtMs, read: wasRead } of this.#messages.values()) {
      yield { type: 'received', number, message, receivedAtMs, deliveryId: this.#cursor };
      if (wasRead) read.push(number);
    }
    if (read.length > 0) yield { type: 'read', numbers: read };
    for (const room of this.#rooms) yield { type: 'room', room, joined: true };
  }

  #add({ number, message, receivedAtMs, deliveryId }: Extract<InboxEntry, { type: 'received' }>): void {
    this.#next = Math.max(this.#next, number + 1);
    this.#cursor = deliveryId;
    if (this.#keys.has(keyOf(message))) return;
    this.#keys.add(keyOf(message));
    this.#messages.set(number, { number, message, receivedAtMs, read: false });
    this.#unread += 1;
    this.#unreadCharacters += message.text.length;
    this.#characters += message.text.length;
    this.#makeRoom();
  }

  #markRead(number: number): void {
    const found = this.#messages.get(number);
    if (!found || found.read) return;
    this.#messages.set(number, { ...found, read: true });
    this.#unread -= 1;
    this.#unreadCharacters -= found.message.text.length;
    this.#makeRoom();
  }

  #makeRoom(): void {
    const { messages, characters } = this.limits;
    if (this.#messages.size <= messages && this.#characters <= characters) return;
    for (const { number, message, read } of this.#messages.values()) {
      if (this.#messages.size <= messages && this.#characters <= characters) return;
      if (!read) continue;
      this.#messages.delete(number);
      this.#keys.delete(keyOf(message));
      this.#characters -= message.text.length;
    }
  }
}

function keyOf({ senderId, id }: ChatMessage): string {
  return `${senderId}/${id}`;
}
