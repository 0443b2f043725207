import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import type { Capacity } from '../domain/capacity.js';
import { storeFull, type Caller, type Message } from '../domain/message.js';
import type { PartyQuotas } from '../domain/party-quotas.js';
import type { Backlog } from '../domain/pending.js';
import type { MessageStore } from './ports.js';

export interface AdmissionParts {
  readonly store: Pick<MessageStore, 'pending' | 'costOf' | 'recount'>;
  readonly capacity: Pick<Capacity, 'pendingMessages' | 'pendingBytes'>;
  readonly quotas: Pick<PartyQuotas, 'pendingMessages' | 'pendingBytes' | 'storeBytes'>;
}

/** Suggested retry delay for a full receiver, in milliseconds: an estimate. */
const FULL_RETRY_MS = 5000;

type Limit = Pick<Capacity, 'pendingMessages' | 'pendingBytes'>;

/** Decides which mailboxes a message fits, so that no sender and no party takes more than its part of one. */
export class Admission {
  constructor(private readonly parts: AdmissionParts) {}

  /**
   * Returns the receivers whose mailbox has room for it. Throws `exhausted` RECEIVER_FULL if there is none,
   * STORE_FULL if too much of this party waits in the store, `invalid` TOO_LARGE if it can never fit.
   */
  admit(message: Message, { party }: Caller, receivers: readonly PeerId[]): readonly PeerId[] {
    const sender = message.sender.id;
    const roomy = receivers.filter((receiver) => this.#hasRoom(receiver, sender, party));
    if (roomy.length === 0) throw this.#receiverFull(receivers);
    this.#checkStore(message, party, roomy.length);
    return roomy;
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

  #checkStore(message: Message, party: string, receivers: number): void {
    const { store, quotas } = this.parts;
    const cost = store.costOf(message, receivers);
    if (cost > quotas.storeBytes) throw tooLarge(cost, receivers, quotas.storeBytes);
    if (store.pending.costOf(party) + cost <= quotas.storeBytes) return;
    throw storeFull('too many messages from your address wait for their receivers');
  }

  #receiverFull(receivers: readonly PeerId[]): EnjambreError {
    const { store, capacity } = this.parts;
    const isFull = receivers.every((receiver) => !isBelow(store.pending.of(receiver), capacity));
    const what = isFull
      ? 'the queue of the receiver is full'
      : 'your part of the queue of the receiver, or that of all peers at your address, is full';
    const message = `${what}: send again in ${FULL_RETRY_MS / 1000} s, or when it has read its messages`;
    return new EnjambreError('exhausted', 'RECEIVER_FULL', message, { retryAfterMs: FULL_RETRY_MS });
  }
}

function isBelow({ messages, bytes }: Backlog, { pendingMessages, pendingBytes }: Limit): boolean {
  return messages < pendingMessages && bytes < pendingBytes;
}

function tooLarge(cost: number, receivers: number, limit: number): EnjambreError {
  const message = `the message takes ${cost} bytes for its ${receivers} receivers, but only ${limit} are allowed: share it as a file instead`;
  return new EnjambreError('invalid', 'TOO_LARGE', message);
}
