import type { Metrics } from '@enjambre/common/metrics/metrics';
import type { ConnectRequest } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { TrackerStore } from '../app/ports.js';
import type { Directory } from '../domain/directory.js';

type Kind = NonNullable<ConnectRequest['message']>['$case'];

/** Counts messages and changes as they happen. */
export class TrafficCounts {
  readonly received = new Map<Kind | 'unknown', number>();
  /** Messages answered with a problem. */
  rejected = 0;
  /** Changes of swarms sent to watching agents. */
  deltas = 0;
  deltaPeers = 0;
  /** Events of parties that caused too many. */
  eventsLeftOut = 0;

  message(kind: Kind | undefined): void {
    const known = kind ?? 'unknown';
    this.received.set(known, (this.received.get(known) ?? 0) + 1);
  }

  delta({ upserted, removed }: { upserted: readonly unknown[]; removed: readonly unknown[] }): void {
    this.deltas += 1;
    this.deltaPeers += upserted.length + removed.length;
  }
}

export interface MeasuredTracker {
  readonly directory: Pick<
    Directory,
    'sessionCount' | 'swarmCount' | 'stats' | 'announces' | 'downloadsCompleted'
  >;
  readonly traffic: TrafficCounts;
  readonly store: Pick<TrackerStore, 'refused'>;
}

/** Registers a tracker's metrics, except those of its calls and events. */
export function measureTracker(metrics: Metrics, { directory, traffic, store }: MeasuredTracker): void {
  const gauge = (name: string, help: string, read: () => number): void =>
    metrics.gauge({ name: `enjambre_tracker_${name}`, help }, read);
  const counter = (name: string, help: string, read: () => number): void =>
    metrics.counter({ name: `enjambre_tracker_${name}`, help }, read);
  gauge('agents_connected', 'Agents with a session.', () => directory.sessionCount);
  gauge('files', 'Files that a connected peer has, with a known description.', () => directory.stats().files);
  gauge('swarms', 'Swarms: infohashes that an agent has, wants or watches.', () => directory.swarmCount);
  metrics.gauge(
    {
      name: 'enjambre_tracker_swarm_members',
      help: 'Memberships of peers in swarms.',
      labels: ['role'],
    },
    () => {
      const { seeders, leechers } = directory.stats();
      return [
        [{ role: 'seeder' }, seeders],
        [{ role: 'leecher' }, leechers],
      ];
    },
  );
  counter('announces_total', 'Announces accepted.', () => directory.announces);
  counter('downloads_completed_total', 'Downloads reported as complete.', () => directory.downloadsCompleted);
  counter('deltas_total', 'Changes of swarms sent to watching agents.', () => traffic.deltas);
  counter('delta_peers_total', 'Peers in these changes.', () => traffic.deltaPeers);
  counter('messages_rejected_total', 'Messages from agents answered with a problem.', () => traffic.rejected);
  counter(
    'events_left_out_total',
    'Events not published because the peers at one address caused too many.',
    () => traffic.eventsLeftOut,
  );
  metrics.counter(
    { name: 'enjambre_tracker_messages_total', help: 'Messages from agents, by kind.', labels: ['kind'] },
    () => Array.from(traffic.received, ([kind, count]) => [{ kind }, count] as const),
  );
  metrics.counter(
    {
      name: 'enjambre_tracker_replica_messages_refused_total',
      help: 'Messages between trackers that were malformed, unsigned, forged or replayed, by reason.',
      labels: ['reason'],
    },
    () => Array.from(store.refused, ([reason, count]) => [{ reason }, count] as const),
  );
}
