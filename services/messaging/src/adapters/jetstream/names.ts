import type { PeerId } from '@enjambre/core/ids';

/** The stream of messages. */
export const STREAM = 'ENJAMBRE_MESSAGES';
/** The KV bucket of peers, rooms and cursors. */
export const BUCKET = 'ENJAMBRE_CONTACTS';

/** Outside "enjambre.>", which is open to all subscribers of events: texts are only for their receivers. */
const PREFIX = 'enjambre-messages';
export const SUBJECTS = [`${PREFIX}.inbox.*`, `${PREFIX}.outbox.*`];

/** Subject of the copies for one receiver. */
export function inboxSubject(receiver: PeerId): string {
  return `${PREFIX}.inbox.${receiver}`;
}

/** Subject of a sender's own copies. */
export function outboxSubject(sender: PeerId): string {
  return `${PREFIX}.outbox.${sender}`;
}
