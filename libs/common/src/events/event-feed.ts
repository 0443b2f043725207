import { EnjambreError } from '@enjambre/core/error';
import type { HeardEvent } from './event-bus.js';

/** So many events wait for a caller that is slower than the network's life. */
const MAX_WAITING = 1024;

/** A bounded queue between a bus and one caller, who reads when it can. */
export class EventFeed {
  readonly #waiting = new Map<string, HeardEvent>();
  readonly #ended = new AbortController();
  #error: EnjambreError | undefined;
  #overflowed = false;
  #wake: (() => void) | undefined;

  /** Aborts when the feed has ended. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** True if there were more events than fit. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  push(heard: HeardEvent): void {
    if (this.signal.aborted || this.#overflowed) return;
    if (this.#waiting.size >= MAX_WAITING) {
      this.#overflowed = true;
      this.#waiting.clear();
    } else {
      this.#waiting.set(heard.event.id, heard);
    }
    this.#wake?.();
  }

  /** Leaves out an event that the caller has got in another way. */
  forget(id: string): void {
    this.#waiting.delete(id);
  }

  /** Starts again, empty, after it has overflowed. */
  reset(): void {
    this.#overflowed = false;
    this.#waiting.clear();
  }

  /** Drops what is waiting: the caller hears of nothing but the end, and of `error` if there is one. */
  end(error?: EnjambreError): void {
    if (this.signal.aborted) return;
    this.#error = error;
    this.#waiting.clear();
    this.#ended.abort();
    this.#wake?.();
  }

  /** The next event, in time; undefined at the end. Throws what the feed ended with, and `exhausted` SLOW_READER. */
  async next(): Promise<HeardEvent | undefined> {
    while (!this.signal.aborted && !this.#overflowed && this.#waiting.size === 0) {
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#overflowed) throw slowReader();
    if (this.#error) throw this.#error;
    for (const [id, heard] of this.#waiting) {
      this.#waiting.delete(id);
      return heard;
    }
    return undefined;
  }
}

export function slowReader(): EnjambreError {
  return new EnjambreError('exhausted', 'SLOW_READER', 'events were left unread for too long: read faster');
}
