import type { ReplicaId } from '../../domain/replica-state.js';

/** The KV bucket that keeps what is known of files; a key is an infohash. */
export const BUCKET = 'ENJAMBRE_CATALOGUE';

/** Beside "enjambre.>", where everybody may listen to events. */
const PREFIX = 'enjambre-tracker';

/** Where trackers speak to all others. */
export const REPLICAS_SUBJECT = `${PREFIX}.replicas`;

/** Where one tracker is asked for all that it holds. */
export function snapshotSubject(replica: ReplicaId): string {
  return `${PREFIX}.snapshot.${replica}`;
}
