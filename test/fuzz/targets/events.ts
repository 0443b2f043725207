import fc from 'fast-check';
import { decodeEvent, encodeEvent, subjectOf } from '@enjambre/common/events/convert';
import { lineOf } from '@enjambre/common/events/event-line';
import { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { factOf, FACT_CASES } from '../../../libs/common/test/sample-facts.js';
import { reshapeJson } from '../reshape-json.js';
import { Broken, isInvalid, mustEqual, type FuzzTarget } from '../target.js';

const EVENTS: readonly Event[] = FACT_CASES.flatMap((kind) =>
  fc.sample(factOf(kind), { numRuns: 2, seed: 7 }).map((event, index) => ({
    id: `${kind}-${index}`,
    time: new Date(1_700_000_000_000),
    source: 'tracker/a b',
    event,
  })),
);
const SUBJECTS = [...new Set(EVENTS.map(subjectOf))];

/** The subject and the message, as one input. */
function published(event: Event): Buffer {
  return Buffer.concat([Buffer.from([SUBJECTS.indexOf(subjectOf(event))]), Buffer.from(encodeEvent(event))]);
}

/** A message on NATS: any client of it can publish anything. */
const natsEvents: FuzzTarget = {
  name: 'events-nats',
  seeds: EVENTS.map(published),
  words: ['"data":', '"specversion":"1.0"', 'urn:', '%', '\\u0000', '\\ud800', '1e999'].map((word) =>
    Buffer.from(word),
  ),
  reshape: (input, below) => {
    const json = reshapeJson(input.subarray(1), below);
    return json && Buffer.concat([input.subarray(0, 1), json]);
  },
  run: (input) => {
    const subject = SUBJECTS[(input[0] ?? 0) % SUBJECTS.length] ?? '';
    const event = decodeEvent(subject, input.subarray(1));
    mustEqual('the subject', subjectOf(event), subject);
    mustEqual('an event of its own encoding', decodeEvent(subject, Buffer.from(encodeEvent(event))), event);
    shown(event);
  },
};

/** An event of WatchEvents, as a console and the tracker's follower receive it. */
const watchedEvents: FuzzTarget = {
  name: 'events-watched',
  seeds: EVENTS.map((event) => Buffer.from(Event.encode(event).finish())),
  refuses: (error) =>
    isInvalid(error) ||
    (error instanceof Error && error.constructor === Error) ||
    error instanceof RangeError,
  run: (input) => {
    shown(Event.decode(input));
  },
};

/** The line for people has one line, and nothing that a terminal obeys. */
function shown({ event }: Event): void {
  const line = event ? lineOf(event) : '';
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/.test(line))
    throw new Broken(`a terminal obeys ${JSON.stringify(line)}`);
}

export const EVENT_TARGETS: readonly FuzzTarget[] = [natsEvents, watchedEvents];
