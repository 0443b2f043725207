import { EnjambreError, messageOf } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { CloudEvent } from 'cloudevents';
import { z } from 'zod';
import type { Fact } from './event-bus.js';
import { fromData, toData } from './event-data.js';
import { EVENT_TYPES, eventTypeOf, type FactCase } from './event-types.js';

/** Prefix of an event's type in CloudEvents' `type` and in NATS subjects. */
const PREFIX = 'enjambre.';
const SOURCE_PREFIX = '/enjambre/';
/** Identifies the names of the fields in `data`. Older services have other names, and no `dataschema`. */
export const DATA_SCHEMA = 'urn:enjambre:events:2';
/** Content type that marks events in NATS, from the NATS binding of CloudEvents. */
export const CLOUD_EVENT_CONTENT_TYPE = 'application/cloudevents+json';
/** Far above the size of any event of ours. */
const MAX_ENCODED_BYTES = 16_384;
const MAX_ID_CHARS = 128;
const MAX_SOURCE_CHARS = 1024;

/**
 * The fields of a CloudEvent that we need. Not parsed with the `cloudevents` package: it invents a missing
 * id, time or version.
 */
const ENVELOPE = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).max(MAX_ID_CHARS),
  source: z.string().startsWith(SOURCE_PREFIX).max(MAX_SOURCE_CHARS),
  type: z.string(),
  time: z.iso.datetime({ offset: true }),
  dataschema: z.string().optional(),
  data: z.unknown(),
});
const UTF8 = new TextDecoder('utf-8', { fatal: true });

const CASES = new Map(Object.entries(EVENT_TYPES).map(([$case, type]) => [PREFIX + type, $case as FactCase]));

/** The NATS subject of an event: "enjambre.download.completed". */
export function subjectOf(event: Event): string {
  return PREFIX + eventTypeOf(event);
}

/** Encodes an event as CloudEvents 1.0 in structured mode. */
export function encodeEvent({ id, time, source, event: fact }: Event): string {
  if (!fact) throw new Error('an event without a fact');
  const cloudEvent = new CloudEvent({
    specversion: '1.0',
    id,
    source: SOURCE_PREFIX + source.toWellFormed().split('/').map(encodeURIComponent).join('/'),
    type: PREFIX + EVENT_TYPES[fact.$case],
    subject: subjectMatterOf(fact),
    time: (time ?? new Date(0)).toISOString(),
    datacontenttype: 'application/json',
    dataschema: DATA_SCHEMA,
    data: toData(fact),
  });
  return JSON.stringify(cloudEvent);
}

/** Decodes a message from `subject`. Throws `invalid` BAD_EVENT if it is not an Enjambre event. */
export function decodeEvent(subject: string, encoded: Uint8Array): Event {
  const $case = CASES.get(subject);
  if (!$case) throw badEvent('the subject is not that of an event');
  if (encoded.length > MAX_ENCODED_BYTES) throw badEvent(`it is longer than ${MAX_ENCODED_BYTES} bytes`);
  try {
    const envelope = ENVELOPE.parse(JSON.parse(UTF8.decode(encoded), wellFormed));
    const { id, source, type, time, dataschema, data } = envelope;
    if (type !== subject) throw new Error('its type does not match its subject');
    const path = decodeURIComponent(source.slice(SOURCE_PREFIX.length));
    return { id, time: new Date(time), source: path, event: fromData($case, data, dataschema === undefined) };
  } catch (error) {
    throw badEvent(error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error));
  }
}

/** JSON can spell half a character (\ud800), which no other encoding of the event can hold. */
function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}

/** The subject of the event: a file's infohash, a message's id, or a peer's id. */
function subjectMatterOf({ value }: Fact): string {
  if ('reporter' in value) return value.peer?.id ?? '';
  if ('file' in value) return value.file?.infohash ?? '';
  if ('messageId' in value) return value.messageId;
  return value.peer?.id ?? '';
}

function badEvent(why: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_EVENT', `not an event: ${why.replace(/\s+/g, ' ')}`);
}
