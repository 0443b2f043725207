import type { Metrics } from '@enjambre/common/metrics/metrics';
import type { MessageStore } from '../app/ports.js';
import type { RelayCounts } from '../app/relay.js';

export interface MeasuredMessaging {
  readonly store: Pick<MessageStore, 'available' | 'pending'>;
  readonly counts: RelayCounts;
  readonly sessions: { readonly size: number };
}

/** All that is told of a relay besides its calls and events. */
export function measureMessaging(metrics: Metrics, { store, counts, sessions }: MeasuredMessaging): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    metrics.gauge({ name: `enjambre_messaging_${name}`, help }, read);
  const counter = (name: string, help: string, read: () => number): void =>
    metrics.counter({ name: `enjambre_messaging_${name}`, help }, read);
  gauge('receivers_connected', 'Peers that receive.', () => sessions.size);
  counter('messages_accepted_total', 'Messages kept, each once.', () => counts.accepted);
  counter('messages_repeated_total', 'Messages sent again that had been kept before.', () => counts.repeated);
  counter(
    'copies_accepted_total',
    'Copies kept for receivers: a message to a room has several.',
    () => counts.copies,
  );
  counter(
    'copies_skipped_total',
    'Copies not kept because too much waits for their receiver.',
    () => counts.skipped,
  );
  counter('deliveries_total', 'Copies that their receivers have acknowledged.', () => counts.delivered);
  gauge('pending_copies', 'Copies that wait for their receivers.', () => store.pending.messages);
  gauge('pending_bytes', 'Bytes of these, about.', () => store.pending.bytes);
  gauge('store_available', '1 while messages can be kept, else 0.', () => Number(store.available));
}
