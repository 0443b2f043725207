import type { NatsLink } from '../nats/nats-link.js';
import type { HealthCheck } from './health.js';

/** That NATS can be reached, if there is to be one: without it a service goes on, and keeps its events for later. */
export function natsCheck(service: string, link: Pick<NatsLink, 'connected'> | undefined): HealthCheck[] {
  if (!link) return [];
  const why = 'NATS is away: events are kept here until it is back';
  const problem = (): string | undefined => (link.connected ? undefined : why);
  return [{ name: `enjambre.${service}.nats`, essential: false, problem }];
}
