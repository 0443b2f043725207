import { EnjambreError } from '@enjambre/core/error';

/** Two of the largest, or very many of the usual size. */
const CAPACITY = 128 << 20;

/** Bounds the memory that untrusted peers can occupy with incomplete metainfo. */
export class MetainfoMemory {
  #held = 0;

  constructor(private readonly capacity = CAPACITY) {}

  /** Throws `exhausted` METAINFO_MEMORY: retry when other fetches have finished or failed. */
  take(bytes: number): void {
    if (this.#held + bytes > this.capacity) {
      const message = 'too much other metainfo is being fetched: the request is repeated later';
      throw new EnjambreError('exhausted', 'METAINFO_MEMORY', message);
    }
    this.#held += bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}
