import type { PeerId } from '@enjambre/core/ids';

/** The stream that keeps messages. */
export const STREAM = 'ENJAMBRE_MESSAGES';
/** The KV bucket that keeps peers, rooms and cursors. */
export const BUCKET = 'ENJAMBRE_CONTACTS';

/** Beside "enjambre.>", where everybody may listen to events: texts are for their receivers. */
const PREFIX = 'enjambre-messages';
export const SUBJECTS = [`${PREFIX}.inbox.*`, `${PREFIX}.outbox.*`];

/** Where the copies for one receiver are. */
export function inboxSubject(receiver: PeerId): string {
  return `${PREFIX}.inbox.${receiver}`;
}

/** Where a sender's own copies are. */
export function outboxSubject(sender: PeerId): string {
  return `${PREFIX}.outbox.${sender}`;
}
