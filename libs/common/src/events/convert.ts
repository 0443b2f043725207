import { EnjambreError, messageOf } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { CloudEvent } from 'cloudevents';
import { z } from 'zod';
import type { Fact } from './event-bus.js';
import { fromData, toData } from './event-data.js';
import { EVENT_TYPES, eventTypeOf, type FactCase } from './event-types.js';

/** CloudEvents' `type` and the NATS subject of an event are its type behind this. */
const PREFIX = 'enjambre.';
const SOURCE_PREFIX = '/enjambre/';
/** How events are marked in NATS, after CloudEvents' binding for it. */
export const CLOUD_EVENT_CONTENT_TYPE = 'application/cloudevents+json';
/** None of ours comes near it. */
const MAX_ENCODED_BYTES = 16_384;
const MAX_ID_CHARS = 128;
const MAX_SOURCE_CHARS = 1024;

/**
 * What we need of a CloudEvent. Not read with the `cloudevents` package: it makes up an
 * id, a time and a version where they are missing.
 */
const ENVELOPE = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(MAX_ID_CHARS),
  source: z.string().startsWith(SOURCE_PREFIX).max(MAX_SOURCE_CHARS),
  type: z.string(),
  time: z.iso.datetime({ offset: true }),
  data: z.unknown(),
});
const UTF8 = new TextDecoder('utf-8', { fatal: true });

const CASES = new Map(Object.entries(EVENT_TYPES).map(([$case, type]) => [PREFIX + type, $case as FactCase]));

/** The NATS subject that an event belongs on: "enjambre.download.completed". */
export function subjectOf(event: Event): string {
  return PREFIX + eventTypeOf(event);
}

/** CloudEvents 1.0 in structured mode. */
export function encodeEvent({ id, time, source, event: fact }: Event): string {
  if (!fact) throw new Error('an event of nothing');
  const cloudEvent = new CloudEvent({
    specversion: '1.0',
    id,
    source: SOURCE_PREFIX + source.toWellFormed().split('/').map(encodeURIComponent).join('/'),
    type: PREFIX + EVENT_TYPES[fact.$case],
    subject: subjectMatterOf(fact),
    time: (time ?? new Date(0)).toISOString(),
    datacontenttype: 'application/json',
    data: toData(fact),
  });
  return JSON.stringify(cloudEvent);
}

/** Reads what was found on `subject`. Throws `invalid` BAD_EVENT if it is no event of ours. */
export function decodeEvent(subject: string, encoded: Uint8Array): Event {
  const $case = CASES.get(subject);
  if (!$case) throw badEvent('the subject is none of an event');
  if (encoded.length > MAX_ENCODED_BYTES) throw badEvent(`it is longer than ${MAX_ENCODED_BYTES} bytes`);
  try {
    const envelope = ENVELOPE.parse(JSON.parse(UTF8.decode(encoded)));
    const { id, source, type, time, data } = envelope;
    if (type !== subject) throw new Error('its type does not fit its subject');
    const path = decodeURIComponent(source.slice(SOURCE_PREFIX.length));
    return { id, time: new Date(time), source: path, event: fromData($case, data) };
  } catch (error) {
    throw badEvent(error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error));
  }
}

/** What the event is about: a file's infohash, a message's id, or a peer's. */
function subjectMatterOf({ value }: Fact): string {
  if ('by' in value) return value.peer?.peerId ?? '';
  if ('file' in value) return value.file?.infohash ?? '';
  if ('messageId' in value) return value.messageId;
  return value.peer?.peerId ?? '';
}

function badEvent(why: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_EVENT', `not an event: ${why.replace(/\s+/g, ' ')}`);
}
