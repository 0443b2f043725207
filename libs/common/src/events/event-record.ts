import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { HeardEvent } from './event-bus.js';

interface Kept {
  readonly event: Event;
  readonly party: string;
}

/**
 * The last events of a service, in memory. When it is full, the party with the most events loses its oldest one: nobody
 * can push out what others did by doing much.
 */
export class EventRecord {
  /** By position, oldest first. */
  readonly #events = new Map<number, Kept>();
  /** Positions of the events of each party, oldest first. */
  readonly #parties = new Map<string, Set<number>>();
  /** The parties with each number of events, those that have had it longest first. */
  readonly #byCount: Set<string>[] = [];
  #last = 0;
  /** Position of the newest event that was dropped. */
  #dropped = 0;

  /** @param maxEvents number of events kept */
  constructor(private readonly maxEvents: number) {}

  /** @returns its position, counted from 1 */
  add(event: Event, party: string): number {
    this.#last += 1;
    this.#events.set(this.#last, { event, party });
    const own = this.#parties.get(party) ?? new Set();
    own.add(this.#last);
    this.#parties.set(party, own);
    this.#move(party, own.size - 1, own.size);
    if (this.#events.size > this.maxEvents) this.#dropOne();
    return this.#last;
  }

  /** False if an event after this position was dropped. */
  isWholeAfter(position: number): boolean {
    return position >= this.#dropped;
  }

  /** The events after a position, oldest first. */
  *after(position: number): Generator<HeardEvent & { readonly position: number }> {
    for (const [at, { event }] of this.#events) if (at > position) yield { event, position: at };
  }

  #dropOne(): void {
    const [party = ''] = this.#byCount.at(-1) ?? [];
    const own = this.#parties.get(party);
    const [oldest] = own ?? [];
    if (!own || oldest === undefined) return;
    own.delete(oldest);
    this.#move(party, own.size + 1, own.size);
    if (own.size === 0) this.#parties.delete(party);
    this.#events.delete(oldest);
    this.#dropped = Math.max(this.#dropped, oldest);
  }

  #move(party: string, from: number, to: number): void {
    this.#byCount[from]?.delete(party);
    if (to > 0) (this.#byCount[to] ??= new Set()).add(party);
    while (this.#byCount.length > 0 && !this.#byCount.at(-1)?.size) this.#byCount.pop();
  }
}
