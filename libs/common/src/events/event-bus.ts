import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { Startable } from '../lifecycle/lifecycle.js';

/** What happened; the bus adds id, time and source. */
export type Fact = NonNullable<Event['event']>;

/** An event as delivered by the bus. */
export interface HeardEvent {
  readonly event: Event;
  /** Its place in the bus's record, increasing; undefined while it is not recorded. */
  readonly position: number | undefined;
}

/** Start of a replay: a time in milliseconds since 1970, or the position before the first event. */
export type ReplayStart = { readonly sinceMs: number } | { readonly after: number };

/** Receives events; must not throw. */
export type EventListener = (heard: HeardEvent) => void;

/**
 * Publishes a service's events to listeners in this process and records them for a while. Each adapter runs
 * the contract suite of `event-bus.spec.ts`.
 */
export interface EventBus extends Startable {
  /** Events dropped because they could not be recorded in time. */
  readonly dropped: number;
  /** Events published since the start, including dropped ones. */
  readonly published: number;
  /** Published events that are waiting to be recorded. */
  readonly backlog: number;

  /**
   * Never waits and never throws. Listeners receive the event before this returns.
   *
   * @param party whose doing it is: a record in memory is divided fairly among parties. @default the service
   */
  publish(fact: Fact, party?: string): void;

  /**
   * Delivers every event once, and the events of one service in order. An event delivered without a position
   * is recorded later under the same id. Returns a function that ends the subscription.
   */
  subscribe(listener: EventListener): () => void;

  /**
   * The recorded events up to now, in order, followed by the events that this process has published and not
   * yet recorded, which have no position. No event delivered before the call is missing, unless its retention
   * has expired. Ends early, without an error, when `signal` aborts. Throws `unavailable` NATS_UNREACHABLE,
   * `exhausted` SLOW_READER.
   */
  replay(start: ReplayStart, signal: AbortSignal): AsyncIterable<HeardEvent>;
}
