import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';

/** What one caller may see of an event. */
export type EventView = (event: Event) => Event;

/** The view of an operator. */
export const WHOLE: EventView = (event) => event;

/** The view of a stranger: who wrote to whom, and the number of bytes, but no text. */
export const WITHOUT_TEXTS: EventView = (event) => {
  const fact = event.event;
  if (fact?.$case !== 'messageSent') return event;
  return { ...event, event: { $case: 'messageSent', value: { ...fact.value, preview: '' } } };
};
