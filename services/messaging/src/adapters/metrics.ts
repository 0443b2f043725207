import type { Metrics } from '@enjambre/common/metrics/metrics';
import type { MessageStore } from '../app/ports.js';
import type { MessageCounts } from '../app/message-exchange.js';

export interface MeasuredMessaging {
  readonly store: Pick<MessageStore, 'available' | 'pending'>;
  readonly counts: MessageCounts;
  readonly sessions: { readonly size: number };
}

/** Registers the metrics of the messaging service, except those of its calls and events. */
export function measureMessaging(metrics: Metrics, { store, counts, sessions }: MeasuredMessaging): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    metrics.gauge({ name: `enjambre_messaging_${name}`, help }, read);
  const counter = (name: string, help: string, read: () => number): void =>
    metrics.counter({ name: `enjambre_messaging_${name}`, help }, read);
  gauge('receivers_connected', 'Peers with an open Receive stream.', () => sessions.size);
  counter('messages_accepted_total', 'Messages accepted, not counting repetitions.', () => counts.accepted);
  counter(
    'messages_repeated_total',
    'Repeated messages that had been accepted before.',
    () => counts.repeated,
  );
  counter(
    'copies_accepted_total',
    'Copies stored for receivers: a message to a room has several.',
    () => counts.copies,
  );
  counter(
    'copies_skipped_total',
    'Copies not stored because the queue of their receiver was full.',
    () => counts.skipped,
  );
  counter('deliveries_total', 'Copies acknowledged by their receivers.', () => counts.delivered);
  gauge('pending_copies', 'Copies waiting for their receivers.', () => store.pending.total.messages);
  gauge('pending_bytes', 'Approximate bytes of these copies.', () => store.pending.total.bytes);
  gauge('store_available', '1 while messages can be stored, else 0.', () => Number(store.available));
}
