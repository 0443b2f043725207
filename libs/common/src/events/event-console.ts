import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { Logger } from '../log/logger.js';
import type { EventBus, Fact } from './event-bus.js';
import { toData } from './event-data.js';
import { lineOf } from './event-line.js';
import { eventTypeOf } from './event-types.js';

/** Events that are too frequent or too minor for the info level. */
const DETAILS: ReadonlySet<Fact['$case']> = new Set(['downloadProgressed', 'messageDelivered']);

/**
 * Logs a line for each event of `source` and for each message, from any messaging service, with its data as
 * fields. Progress and deliveries are logged at debug level. Other services log the events of their own
 * source.
 */
export function startConsole(events: Pick<EventBus, 'subscribe'>, log: Logger, source: string): void {
  events.subscribe(({ event }) => {
    const fact = event.event;
    if (!fact || (event.source !== source && !eventTypeOf(event).startsWith('message.'))) return;
    const level = DETAILS.has(fact.$case) ? 'debug' : 'info';
    if (log.isLevelEnabled(level)) log[level](fieldsOf(event, fact), lineOf(fact));
  });
}

function fieldsOf(event: Event, fact: Fact): object {
  return { event: eventTypeOf(event), source: event.source, ...(toData(fact) as object) };
}
