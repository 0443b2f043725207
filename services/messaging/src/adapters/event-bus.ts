import { randomBytes } from 'node:crypto';
import type { PublishedEvent, DomainEvent } from '../domain/events.js';

/** Takes events and gives them to those who listen in this process; the bus of a relay without NATS. */
export class EmbeddedEventBus {
  readonly #listeners = new Set<(event: PublishedEvent) => void>();
  readonly #idPrefix = randomBytes(9).toString('base64url');
  #published = 0;

  /**
   * @param source who says so: "messaging/NAME"
   * @param clock milliseconds since 1970
   */
  constructor(
    private readonly source: string,
    private readonly clock: () => number,
  ) {}

  publish(event: DomainEvent): void {
    this.#published += 1;
    const id = `${this.#idPrefix}-${this.#published.toString(36)}`;
    const published = { id, time: this.clock(), source: this.source, event };
    for (const listener of this.#listeners) listener(published);
  }

  /** `listener` must not throw. Returns the end of the subscription. */
  subscribe(listener: (event: PublishedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
