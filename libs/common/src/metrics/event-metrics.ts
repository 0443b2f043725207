import type { EventBus } from '../events/event-bus.js';
import type { NatsLink } from '../nats/nats-link.js';
import type { Metrics } from './metrics.js';

/**
 * Measures the published events, and whether NATS stores them. `service` is the prefix of the names:
 * "tracker".
 */
export function measureEvents(
  metrics: Metrics,
  service: string,
  {
    events,
    link,
  }: {
    readonly events: Pick<EventBus, 'published' | 'dropped' | 'backlog'>;
    readonly link: Pick<NatsLink, 'connected'> | undefined;
  },
): void {
  const prefix = `enjambre_${service}`;
  metrics.counter(
    { name: `${prefix}_events_published_total`, help: 'Events published.' },
    () => events.published,
  );
  metrics.counter(
    {
      name: `${prefix}_events_dropped_total`,
      help: 'Events dropped because NATS was unreachable for too long: they are not recorded.',
    },
    () => events.dropped,
  );
  metrics.gauge(
    {
      name: `${prefix}_events_backlog`,
      help: 'Events waiting to be stored on NATS; above 10000 the oldest are dropped.',
    },
    () => events.backlog,
  );
  if (!link) return;
  metrics.gauge(
    { name: `${prefix}_nats_connected`, help: '1 while NATS is reachable, else 0; absent without --nats.' },
    () => Number(link.connected),
  );
}
