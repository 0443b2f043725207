import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { Logger } from '../log/logger.js';
import type { EventBus, Fact } from './event-bus.js';
import { lineOf } from './event-line.js';
import { eventTypeOf } from './event-types.js';

/** What happens too often, or says too little, to be shown unasked. */
const DETAILS: ReadonlySet<Fact['$case']> = new Set(['downloadProgressed', 'messageDelivered']);

/**
 * Writes a line for each event of `source` and each message, whoever relayed it, to the
 * log, with its facts as fields; progress and deliveries at debug level only. What other
 * services of its kind see is on their own consoles.
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

/** For JSON: it knows no bigint. */
function toFields(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, toFields(field)]));
}
