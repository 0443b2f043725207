import type { ReplicaId } from '../../domain/replica-state.js';

/** The KV bucket with the records of files; keys are infohashes. */
export const BUCKET = 'ENJAMBRE_CATALOGUE';

/** Outside "enjambre.>", which is open to all subscribers of events. */
const PREFIX = 'enjambre-tracker';

/** Subject for messages to all other trackers. */
export const REPLICAS_SUBJECT = `${PREFIX}.replicas`;

/** Subject for requests of a tracker's snapshot. */
export function snapshotSubject(replica: ReplicaId): string {
  return `${PREFIX}.snapshot.${replica}`;
}
