/** The stream of messages. */
export const STREAM = 'ENJAMBRE_MESSAGES';
/** The KV bucket of peers, rooms and cursors. */
export const BUCKET = 'ENJAMBRE_CONTACTS';

/** Outside "enjambre.>", which is open to all subscribers of events: texts are only for their receivers. */
const PREFIX = 'enjambre-messages';
export const ALL_INBOXES = `${PREFIX}.inbox.*`;
export const ALL_OUTBOXES = `${PREFIX}.outbox.*`;
export const SUBJECTS = [ALL_INBOXES, ALL_OUTBOXES];

/** Subject of the copies for one receiver. */
export function inboxSubject(receiver: string): string {
  return `${PREFIX}.inbox.${receiver}`;
}

/** Subject of a sender's own copies. */
export function outboxSubject(sender: string): string {
  return `${PREFIX}.outbox.${sender}`;
}
