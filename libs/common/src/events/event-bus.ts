import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { Startable } from '../lifecycle/lifecycle.js';

/** What happened; the bus adds id, time and source. */
export type Fact = NonNullable<Event['event']>;

/** An event as the bus tells it. */
export interface HeardEvent {
  readonly event: Event;
  /** Its place in the bus's record, increasing; undefined as long as it has none. */
  readonly position: number | undefined;
}

/** Where a replay begins: with what happened since then (milliseconds since 1970), or behind a position. */
export type ReplayStart = { readonly sinceMs: number } | { readonly after: number };

/** Hears of events; must not throw. */
export type EventListener = (heard: HeardEvent) => void;

/**
 * Takes a service's events, tells them to whoever listens in this process, and keeps a
 * record of them for a while. Each adapter runs the suite of `event-bus.spec.ts`.
 */
export interface EventBus extends Startable {
  /** Events that were given up because they could not be recorded in time. */
  readonly dropped: number;
  /** Events published since the start, given up or not. */
  readonly published: number;
  /** Those of them that wait to be recorded. */
  readonly backlog: number;

  /** Never waits and never throws. Listeners hear of it before this returns. */
  publish(fact: Fact): void;

  /**
   * Tells every event once, those of one service in their order. An event that was told
   * without a position is in the record later, under the same id. Returns the end of it.
   */
  subscribe(listener: EventListener): () => void;

  /**
   * What the record holds up to now, in its order, and last, without a position, what this
   * process has published and is not recorded yet: nothing that was told before the call
   * is missing, as far as it is kept. Ends early, without an error, when `signal` aborts.
   * Throws `unavailable` NATS_UNREACHABLE, `exhausted` SLOW_READER.
   */
  replay(start: ReplayStart, signal: AbortSignal): AsyncIterable<HeardEvent>;
}
