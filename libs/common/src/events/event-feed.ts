import { EnjambreError } from '@enjambre/core/error';
import type { HeardEvent } from './event-bus.js';

/** Number of events that may wait for a slow caller. */
const MAX_WAITING = 1024;

/** A bounded queue between a bus and one caller, which reads at its own pace. */
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

  /** True if more events arrived than fit. */
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

  /** Removes an event that the caller has received otherwise. */
  forget(id: string): void {
    this.#waiting.delete(id);
  }

  /** Resumes empty after an overflow. */
  reset(): void {
    this.#overflowed = false;
    this.#waiting.clear();
  }

  /** Drops the waiting events: the caller receives only the end, and `error` if given. */
  end(error?: EnjambreError): void {
    if (this.signal.aborted) return;
    this.#error = error;
    this.#waiting.clear();
    this.#ended.abort();
    this.#wake?.();
  }

  /**
   * The next event, when there is one; undefined at the end. Throws the error that the feed ended with, and
   * `exhausted` SLOW_READER.
   */
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
  return new EnjambreError('exhausted', 'SLOW_READER', 'events were not read in time: read faster');
}
