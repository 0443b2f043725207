import type { Environment } from '@enjambre/common/config/options';
import { parseDuration } from '@enjambre/common/config/parse-quantities';
import { encodeEvent } from '@enjambre/common/events/convert';
import { lineOf } from '@enjambre/common/events/event-line';
import { EnjambreError } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import { agentStream } from '../agent-client.js';
import { resolveTrackers } from '../connection.js';
import type { Session } from '../context.js';
import type { JsonObject } from '../render/json-line.js';
import { clockTime, wrapWords } from '../render/text.js';
import { trackerStream } from '../tracker-client.js';
import { followStream } from './follow.js';

export interface EventsOptions {
  /** Wait for new events and show them. */
  readonly follow: boolean;
  /** Start with the events since then: an age such as "10m", or a time such as 2026-11-25T12:00. */
  readonly since?: string | undefined;
  /** Only events of these types, such as "download.*"; all if empty. */
  readonly types: readonly string[];
}

interface Request {
  readonly types: string[];
  readonly since: Date | undefined;
  readonly replayOnly: boolean;
}

/** `enjambre events`: the stored events of the network, and new ones. */
export async function events(session: Session, options: EventsOptions): Promise<void> {
  const { follow, types } = options;
  const since = options.since === undefined ? undefined : timeOf(options.since, session.context.now());
  if (follow) return followEvents(session, { types: [...types], since, replayOnly: false });
  const request = { types: [...types], since: since ?? new Date(0), replayOnly: true };
  let shown = 0;
  for await (const event of eventsOf(session, request)) {
    show(session, event);
    shown += 1;
  }
  if (shown === 0) session.output.hint('no such events are stored: `--follow` waits for new ones');
}

/** Resumes where it stopped when tracker or agent return, as far back as they store events; shows each event once. */
async function followEvents(session: Session, request: Request): Promise<void> {
  let since = request.since;
  const atThatTime = new Set<string>();
  const stream = (): AsyncIterable<Event> => eventsOf(session, { ...request, since });
  for await (const event of followStream(session, stream)) {
    if (atThatTime.has(event.id)) continue;
    if (event.time && event.time.getTime() !== since?.getTime()) atThatTime.clear();
    since = event.time ?? since;
    atThatTime.add(event.id);
    show(session, event);
  }
}

/** From the given tracker, else through the agent. */
async function* eventsOf(session: Session, request: Request): AsyncGenerator<Event, void, undefined> {
  const trackers = resolveTrackers(session.connection, session.context.environment);
  if (trackers.length === 0) yield* agentStream(session, (agent) => agent.events(request));
  else {
    const file = await operatorTokenFile(session.context.environment);
    yield* trackerStream(session, trackers, (tracker) => tracker.events(request, file));
  }
}

/** The file with the token of this machine's operator: ENJAMBRE_OPERATOR_TOKEN_FILE, else in the user's folder. */
async function operatorTokenFile(environment: Environment): Promise<string | undefined> {
  const [{ resolveOptions }, { operatorOptions }] = await Promise.all([
    import('@enjambre/common/config/options'),
    import('@enjambre/common/config/operator-option'),
  ]);
  return resolveOptions(operatorOptions, {}, environment).operatorTokenFile;
}

function show({ output }: Session, event: Event): void {
  if (!event.event) return; // A type that this version does not know.
  output.object(JSON.parse(encodeEvent(event)) as JsonObject);
  const when = event.time ? clockTime(event.time) : '';
  const [first = '', ...others] = wrapWords(lineOf(event.event), output.width - when.length - 2);
  output.line(`${output.colors.dim(when)}  ${first}`);
  for (const rest of others) output.line(' '.repeat(when.length + 2) + rest);
}

/** Throws `invalid`, BAD_SINCE. */
function timeOf(text: string, nowMs: number): Date {
  const age = ageIn(text);
  if (age !== undefined) return new Date(nowMs - age);
  const time = new Date(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(time.getTime())) return time;
  const message = `--since: "${text}" is not a time: give an age such as 10m or 7d, or a time such as 2026-11-25T12:00`;
  throw new EnjambreError('invalid', 'BAD_SINCE', message);
}

/** Milliseconds; undefined if the text is no duration. */
function ageIn(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
