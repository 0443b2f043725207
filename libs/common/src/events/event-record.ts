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
  #last = 0;
  /** Position of the newest event that was dropped. */
  #dropped = 0;

  /** @param maxEvents number of events kept */
  constructor(private readonly maxEvents: number) {}

  /** @returns its position, counted from 1 */
  add(event: Event, party: string): number {
    this.#last += 1;
    this.#events.set(this.#last, { event, party });
    const own = this.#parties.get(party);
    if (own) own.add(this.#last);
    else this.#parties.set(party, new Set([this.#last]));
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
    let longest: Set<number> | undefined;
    let owner = '';
    for (const [party, positions] of this.#parties) {
      if (positions.size > (longest?.size ?? 0)) [owner, longest] = [party, positions];
    }
    const [oldest] = longest ?? [];
    if (oldest === undefined) return;
    longest?.delete(oldest);
    if (longest?.size === 0) this.#parties.delete(owner);
    this.#events.delete(oldest);
    this.#dropped = Math.max(this.#dropped, oldest);
  }
}
