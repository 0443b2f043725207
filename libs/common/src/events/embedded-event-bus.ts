import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { EventBus, EventListener, Fact, HeardEvent, ReplayStart } from './event-bus.js';
import { slowReader } from './event-feed.js';
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

/** The bus of a service without NATS: it lives in this process and does not outlast it. */
export class EmbeddedEventBus implements EventBus {
  readonly dropped = 0;
  readonly backlog = 0;
  #published = 0;
  readonly #stamp: EventStamp;
  readonly #listeners = new Listeners();
  /** A ring buffer: the event at position p is at index p modulo its size. */
  readonly #record: Event[] = [];
  readonly #maxEvents: number;
  readonly #maxAgeMs: number;
  readonly #clock: () => number;
  #last = 0;

  constructor(init: EmbeddedEventBusInit) {
    this.#stamp = new EventStamp(init);
    this.#clock = init.clock ?? Date.now;
    this.#maxEvents = init.maxEvents ?? DEFAULT_MAX_EVENTS;
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

  publish(fact: Fact): void {
    this.#published += 1;
    this.adopt(this.#stamp.make(fact));
  }

  /** Publishes an event of another service unchanged: the caller must not pass the same event twice. */
  adopt(event: Event): void {
    this.#last += 1;
    this.#record[this.#last % this.#maxEvents] = event;
    this.#listeners.tell({ event, position: this.#last });
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
    const from = 'after' in start ? start.after + 1 : this.#first;
    if (from < this.#first) throw slowReader();
    const oldestMs = this.#clock() - this.#maxAgeMs;
    const sinceMs = 'sinceMs' in start ? Math.max(start.sinceMs, oldestMs) : oldestMs;
    const recorded: HeardEvent[] = [];
    for (let position = from; position <= this.#last; position += 1) {
      const event = this.#record[position % this.#maxEvents];
      if (event && timeOf(event) >= sinceMs) recorded.push({ event, position });
    }
    return recorded;
  }

  get #first(): number {
    return Math.max(1, this.#last - this.#maxEvents + 1);
  }
}

function timeOf({ time }: Event): number {
  return time?.getTime() ?? 0;
}
