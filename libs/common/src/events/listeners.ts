import type { EventListener, HeardEvent } from './event-bus.js';

/** Listeners of a bus. */
export class Listeners {
  readonly #listeners = new Set<EventListener>();

  /** Adds a listener; the same one may be added twice. Returns a function that removes it. */
  add(listener: EventListener): () => void {
    const entry: EventListener = (heard) => listener(heard);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  tell(heard: HeardEvent): void {
    for (const listener of this.#listeners) listener(heard);
  }
}
