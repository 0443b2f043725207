import { formatDuration } from '@enjambre/core/format-duration';
import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import type { Capacity } from '../domain/capacity.js';
import { storeFull, type Caller, type Message } from '../domain/message.js';
import type { PartyQuotas } from '../domain/party-quotas.js';
import type { Backlog } from '../domain/pending.js';
import type { MessageStore } from './ports.js';

export interface AdmissionParts {
  readonly store: Pick<MessageStore, 'pending' | 'costOf' | 'recount'>;
  readonly capacity: Pick<Capacity, 'pendingMessages' | 'pendingBytes' | 'storeBytes'>;
  readonly quotas: Pick<PartyQuotas, 'pendingMessages' | 'pendingBytes' | 'storeBytes'>;
}

/** Suggested retry delay for a full receiver, in milliseconds: an estimate. */
const FULL_RETRY_MS = 5000;

/** The end of a message, which the command completes with the flag. */
const LARGER_PART = 'give each address a larger part of the messaging service';
const OF_ADDRESS = { setting: 'addressBudget' };

type Limit = Pick<Capacity, 'pendingMessages' | 'pendingBytes'>;

/** Decides which mailboxes a message fits, so that no sender and no party takes more than its part of one. */
export class Admission {
  /** Cost of the messages that are being stored, by party: the store counts them when it has them. */
  readonly #underWay = new Map<string, number>();

  constructor(private readonly parts: AdmissionParts) {}

  /**
   * Stores a message with `put`, for those receivers whose mailbox has room for it. Throws `exhausted` RECEIVER_FULL if
   * there is none, STORE_FULL if this party's part of the store is used up, `invalid` TOO_LARGE if it can never fit.
   */
  async run<T>(
    message: Message,
    { party }: Caller,
    receivers: readonly PeerId[],
    put: (roomy: readonly PeerId[]) => Promise<T>,
  ): Promise<T> {
    const sender = message.sender.id;
    const roomy = receivers.filter((receiver) => this.#hasRoom(receiver, sender, party));
    if (roomy.length === 0) throw this.#receiverFull(receivers);
    const cost = this.parts.store.costOf(message, roomy.length);
    this.#checkStore(cost, party, roomy.length);
    this.#charge(party, cost);
    try {
      return await put(roomy);
    } finally {
      this.#charge(party, -cost);
    }
  }

  #hasRoom(receiver: PeerId, sender: PeerId, party: string): boolean {
    const { store, capacity, quotas } = this.parts;
    const { pending } = store;
    const fits =
      isBelow(pending.of(receiver), capacity) &&
      isBelow(pending.ofSender(receiver, sender), quotas) &&
      isBelow(pending.ofParty(receiver, party), quotas);
    if (!fits) store.recount(receiver);
    return fits;
  }

  /** One message may exceed the party's part: a large room is out of reach otherwise. The next one has to wait then. */
  #checkStore(cost: number, party: string, receivers: number): void {
    const { store, capacity, quotas } = this.parts;
    if (cost > capacity.storeBytes) throw tooLarge(cost, receivers, capacity.storeBytes);
    const waiting = store.pending.costOf(party) + (this.#underWay.get(party) ?? 0);
    if (waiting < quotas.storeBytes) return;
    throw partFull();
  }

  #charge(party: string, cost: number): void {
    const charged = (this.#underWay.get(party) ?? 0) + cost;
    if (charged > 0) this.#underWay.set(party, charged);
    else this.#underWay.delete(party);
  }

  #receiverFull(receivers: readonly PeerId[]): EnjambreError {
    const { store, capacity } = this.parts;
    const isFull = receivers.every((receiver) => !isBelow(store.pending.of(receiver), capacity));
    const later = `send again in ${formatDuration(FULL_RETRY_MS)}, or when it has read its messages`;
    const message = isFull
      ? `the queue of the receiver is full: ${later}`
      : `your part of the queue of the receiver, or that of all peers at your address, is full: ${later}; ${LARGER_PART}`;
    return new EnjambreError('exhausted', 'RECEIVER_FULL', message, {
      retryAfterMs: FULL_RETRY_MS,
      ...(!isFull && { metadata: OF_ADDRESS }),
    });
  }
}

function isBelow({ messages, bytes }: Backlog, { pendingMessages, pendingBytes }: Limit): boolean {
  return messages < pendingMessages && bytes < pendingBytes;
}

function partFull(): EnjambreError {
  const what = "messages from your address take its part of the messaging service's store";
  return storeFull(what, LARGER_PART).with(OF_ADDRESS);
}

function tooLarge(cost: number, receivers: number, limit: number): EnjambreError {
  const message = `the message takes ${cost} bytes for its ${receivers} receivers, but the store has only ${limit}: share it as a file instead, or give the messaging service more room`;
  return new EnjambreError('invalid', 'TOO_LARGE', message, { metadata: { setting: 'messageMaxBytes' } });
}
