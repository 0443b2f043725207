import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { EventBus, EventListener, Fact, HeardEvent, ReplayStart } from './event-bus.js';
import { slowReader } from './event-feed.js';
import { EventRecord } from './event-record.js';
import { EventStamp, type StampInit } from './event-stamp.js';
import { Listeners } from './listeners.js';

export interface EmbeddedEventBusInit extends StampInit {
  /** Number of events kept for replay. @default 10000 */
  readonly maxEvents?: number;
  /** Age limit of kept events in milliseconds. @default 3600000 */
  readonly maxAgeMs?: number;
}

const DEFAULT_MAX_EVENTS = 10_000;
const DEFAULT_MAX_AGE_MS = 3_600_000;
/** The party of the service's own events. */
const OWN = '';

/** The bus of a service without NATS: it lives in this process and does not outlast it. */
export class EmbeddedEventBus implements EventBus {
  readonly dropped = 0;
  readonly backlog = 0;
  #published = 0;
  readonly #stamp: EventStamp;
  readonly #listeners = new Listeners();
  readonly #record: EventRecord;
  readonly #maxAgeMs: number;
  readonly #clock: () => number;

  constructor(init: EmbeddedEventBusInit) {
    this.#stamp = new EventStamp(init);
    this.#clock = init.clock ?? Date.now;
    this.#record = new EventRecord(init.maxEvents ?? DEFAULT_MAX_EVENTS);
    this.#maxAgeMs = init.maxAgeMs ?? DEFAULT_MAX_AGE_MS;
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  get published(): number {
    return this.#published;
  }

  publish(fact: Fact, party = OWN): void {
    this.#published += 1;
    this.#add(this.#stamp.make(fact), party);
  }

  /** Publishes an event of another service unchanged: the caller must not pass the same event twice. */
  adopt(event: Event): void {
    this.#add(event, event.source);
  }

  subscribe(listener: EventListener): () => void {
    return this.#listeners.add(listener);
  }

  async *replay(start: ReplayStart, signal: AbortSignal): AsyncGenerator<HeardEvent, void, undefined> {
    for (const heard of this.#recorded(start)) {
      if (signal.aborted) return;
      yield Promise.resolve(heard);
    }
  }

  /** A copy: events published during the replay do not change it. */
  #recorded(start: ReplayStart): HeardEvent[] {
    const after = 'after' in start ? start.after : undefined;
    if (after !== undefined && !this.#record.isWholeAfter(after)) throw slowReader();
    const oldestMs = this.#clock() - this.#maxAgeMs;
    const sinceMs = 'sinceMs' in start ? Math.max(start.sinceMs, oldestMs) : oldestMs;
    return [...this.#record.after(after ?? 0)].filter(({ event }) => timeOf(event) >= sinceMs);
  }

  #add(event: Event, party: string): void {
    const position = this.#record.add(event, party);
    this.#listeners.tell({ event, position });
  }
}

function timeOf({ time }: Event): number {
  return time?.getTime() ?? 0;
}
