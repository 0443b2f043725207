import type { EventListener, HeardEvent } from './event-bus.js';

/** Those who listen to a bus. */
export class Listeners {
  readonly #listeners = new Set<EventListener>();

  /** The same listener may be added twice. Returns its end. */
  add(listener: EventListener): () => void {
    const entry: EventListener = (heard) => listener(heard);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  tell(heard: HeardEvent): void {
    for (const listener of this.#listeners) listener(heard);
  }
}
