import type { NatsLink } from '../nats/nats-link.js';
import type { HealthCheck } from './health.js';

/** Checks that NATS, if configured, is reachable. A service works without it, and buffers its events. */
export function natsCheck(service: string, link: Pick<NatsLink, 'connected'> | undefined): HealthCheck[] {
  if (!link) return [];
  const why = 'NATS is unreachable: events are buffered until it is back';
  const problem = (): string | undefined => (link.connected ? undefined : why);
  return [{ name: `enjambre.${service}.nats`, essential: false, problem }];
}
