import { randomBytes } from 'node:crypto';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { Fact } from './event-bus.js';

export interface StampInit {
  /** Source of the events: "tracker/NAME" or "messaging/NAME". */
  readonly source: string;
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
}

/** Turns facts into events. Ids are unique among all services and identify a service's own events. */
export class EventStamp {
  readonly #prefix = `${randomBytes(9).toString('base64url')}-`;
  readonly #source: string;
  readonly #clock: () => number;
  #count = 0;

  constructor({ source, clock = Date.now }: StampInit) {
    this.#source = source;
    this.#clock = clock;
  }

  make(event: Fact): Event {
    this.#count += 1;
    const id = this.#prefix + this.#count.toString(36);
    return { id, time: new Date(this.#clock()), source: this.#source, event };
  }

  made({ id }: Event): boolean {
    return id.startsWith(this.#prefix);
  }
}
