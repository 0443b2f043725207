import { hasRight, type Limited } from '@enjambre/core/trust/rights';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';

/** What one caller may see of an event; undefined for nothing. */
export type EventView = (event: Event) => Event | undefined;

/** The view of an operator. */
export const WHOLE: EventView = (event) => event;

/** The view of a stranger: who wrote to whom, and the number of bytes, but no text. */
export const WITHOUT_TEXTS: EventView = (event) => {
  const fact = event.event;
  if (fact?.$case !== 'messageSent') return event;
  return { ...event, event: { $case: 'messageSent', value: { ...fact.value, preview: '' } } };
};

/**
 * The view of the holder of a certificate: what is about files that its right `events` covers, and all other events only
 * with that right for all names.
 *
 * @param holder undefined without TLS: then everything is allowed
 */
export function permitted(view: EventView, holder: Limited | undefined): EventView {
  return (event) => (hasRight(holder, 'events', fileNameIn(event)) ? view(event) : undefined);
}

function fileNameIn({ event }: Event): string | undefined {
  const { file } = (event?.value ?? {}) as { readonly file?: { readonly name?: string } };
  return file?.name === '' ? undefined : file?.name;
}
