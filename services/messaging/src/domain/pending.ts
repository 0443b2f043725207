import type { PeerId } from '@enjambre/core/ids';

/** The messages waiting for a receiver, or a part of them. */
export interface Backlog {
  readonly messages: number;
  readonly bytes: number;
}

/** One message that waits for one receiver. */
export interface Copy {
  readonly receiver: PeerId;
  readonly sender: PeerId;
  /** Size for the receiver, in bytes. */
  readonly bytes: number;
  /** Its part of the store, in bytes: less than its size if several receivers share one stored text. */
  readonly cost: number;
}

/** The messages of one sender in one mailbox. */
interface Part {
  /** The party that its sender had when the first of them was stored: they all count for it. */
  readonly party: string;
  messages: number;
  bytes: number;
  cost: number;
}

interface Mailbox {
  messages: number;
  bytes: number;
  readonly senders: Map<PeerId, Part>;
  /** The sums of the senders of each party. */
  readonly parties: Map<string, Backlog>;
}

const NOTHING: Backlog = { messages: 0, bytes: 0 };

/**
 * Counts waiting messages: of each mailbox, and in it of each sender and of each party of senders; and of each party its
 * part of the store. A store that learns of its messages late may count some without their sender.
 */
export class Pending {
  readonly #mailboxes = new Map<PeerId, Mailbox>();
  /** Bytes of the store by party of senders. */
  readonly #costs = new Map<string, number>();
  #messages = 0;
  #bytes = 0;

  get total(): Backlog {
    return { messages: this.#messages, bytes: this.#bytes };
  }

  of(receiver: PeerId): Backlog {
    return this.#mailboxes.get(receiver) ?? NOTHING;
  }

  /** The part of one sender in a mailbox. */
  ofSender(receiver: PeerId, sender: PeerId): Backlog {
    return this.#mailboxes.get(receiver)?.senders.get(sender) ?? NOTHING;
  }

  /** The part of all senders of a party in a mailbox. */
  ofParty(receiver: PeerId, party: string): Backlog {
    return this.#mailboxes.get(receiver)?.parties.get(party) ?? NOTHING;
  }

  /** Bytes of the store that wait for receivers and were sent by a party. */
  costOf(party: string): number {
    return this.#costs.get(party) ?? 0;
  }

  add({ receiver, sender, bytes, cost }: Copy, party: string): void {
    const mailbox = this.#mailboxOf(receiver);
    let part = mailbox.senders.get(sender);
    if (!part) mailbox.senders.set(sender, (part = { party, messages: 0, bytes: 0, cost: 0 }));
    this.#changePart(mailbox, part, { messages: 1, bytes, cost });
    this.#change(mailbox, 1, bytes);
  }

  /** Call it once for each copy that was added, or that {@link correct} counts. */
  remove({ receiver, sender, bytes, cost }: Copy): void {
    const mailbox = this.#mailboxes.get(receiver);
    if (!mailbox) return;
    const part = mailbox.senders.get(sender);
    if (part) {
      const change = { messages: -1, bytes: -Math.min(bytes, part.bytes), cost: -Math.min(cost, part.cost) };
      this.#changePart(mailbox, part, change);
      if (part.messages <= 0) this.#dropPart(mailbox, sender);
    }
    this.#change(mailbox, -1, -Math.min(bytes, mailbox.bytes));
    if (mailbox.messages <= 0) this.forget(receiver);
  }

  /** All messages of a mailbox are gone. */
  forget(receiver: PeerId): void {
    const mailbox = this.#mailboxes.get(receiver);
    if (!mailbox) return;
    for (const sender of [...mailbox.senders.keys()]) this.#dropPart(mailbox, sender);
    this.#change(mailbox, -mailbox.messages, -mailbox.bytes);
    this.#mailboxes.delete(receiver);
  }

  /**
   * Sets the exact number of messages of a mailbox. Those that are gone are taken from each sender alike, since it is
   * unknown whose they were.
   *
   * @param unknownBytes assumed size of a message that was not counted before
   */
  correct(receiver: PeerId, messages: number, unknownBytes: number): void {
    if (messages <= 0) return this.forget(receiver);
    if (this.of(receiver).messages === messages) return;
    const mailbox = this.#mailboxOf(receiver);
    const kept = messages / Math.max(mailbox.messages, messages);
    const each = mailbox.messages === 0 ? unknownBytes : mailbox.bytes / mailbox.messages;
    this.#change(mailbox, messages - mailbox.messages, Math.round(each * messages) - mailbox.bytes);
    if (kept === 1) return;
    for (const [sender, part] of mailbox.senders) {
      const gone = (count: number): number => Math.floor(count * kept) - count;
      const change = { messages: gone(part.messages), bytes: gone(part.bytes), cost: gone(part.cost) };
      this.#changePart(mailbox, part, change);
      if (part.messages === 0) this.#dropPart(mailbox, sender);
    }
  }

  #mailboxOf(receiver: PeerId): Mailbox {
    const found = this.#mailboxes.get(receiver);
    if (found) return found;
    const mailbox = { messages: 0, bytes: 0, senders: new Map(), parties: new Map() };
    this.#mailboxes.set(receiver, mailbox);
    return mailbox;
  }

  #dropPart(mailbox: Mailbox, sender: PeerId): void {
    const part = mailbox.senders.get(sender);
    if (!part) return;
    this.#changePart(mailbox, part, { messages: -part.messages, bytes: -part.bytes, cost: -part.cost });
    mailbox.senders.delete(sender);
  }

  #changePart(
    { parties }: Mailbox,
    part: Part,
    by: { readonly messages: number; readonly bytes: number; readonly cost: number },
  ): void {
    part.messages += by.messages;
    part.bytes += by.bytes;
    part.cost += by.cost;
    this.#charge(part.party, by.cost);
    const { messages, bytes } = parties.get(part.party) ?? NOTHING;
    const left = messages + by.messages;
    if (left > 0) parties.set(part.party, { messages: left, bytes: bytes + by.bytes });
    else parties.delete(part.party);
  }

  #change(mailbox: Mailbox, messages: number, bytes: number): void {
    mailbox.messages += messages;
    mailbox.bytes += bytes;
    this.#messages += messages;
    this.#bytes += bytes;
  }

  #charge(party: string, cost: number): void {
    const charged = this.costOf(party) + cost;
    if (charged > 0) this.#costs.set(party, charged);
    else this.#costs.delete(party);
  }
}
