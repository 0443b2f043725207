import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { Logger } from '../log/logger.js';
import type { EventBus, Fact } from './event-bus.js';
import { lineOf } from './event-line.js';
import { eventTypeOf } from './event-types.js';

/** Events that are too frequent or too minor for the info level. */
const DETAILS: ReadonlySet<Fact['$case']> = new Set(['downloadProgressed', 'messageDelivered']);

/**
 * Logs a line for each event of `source` and for each message, from any messaging service, with its facts as
 * fields. Progress and deliveries are logged at debug level. Other services log the events of their own
 * source.
 */
export function startConsole(events: Pick<EventBus, 'subscribe'>, log: Logger, source: string): void {
  events.subscribe(({ event }) => {
    const fact = event.event;
    if (!fact || (event.source !== source && !eventTypeOf(event).startsWith('message.'))) return;
    const level = DETAILS.has(fact.$case) ? 'debug' : 'info';
    if (log.isLevelEnabled(level)) log[level](fieldsOf(event), lineOf(fact));
  });
}

function fieldsOf(event: Event): object {
  return { event: eventTypeOf(event), source: event.source, ...(toFields(event.event?.value) as object) };
}

/** For JSON, which has no bigint. */
function toFields(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toFields(field)]));
}
