import { EnjambreError } from '@enjambre/core/error';

/** Two of the largest, or very many of the usual size. */
const CAPACITY = 128 << 20;

/** Bounds what strangers may make this agent hold of metainfo that is not whole yet. */
export class MetainfoMemory {
  #held = 0;

  constructor(private readonly capacity = CAPACITY) {}

  /** Throws `exhausted`, METAINFO_MEMORY: it may be asked for again when others have come or failed. */
  take(bytes: number): void {
    if (this.#held + bytes > this.capacity) {
      const message = 'too much other metainfo is being fetched: it is asked for again';
      throw new EnjambreError('exhausted', 'METAINFO_MEMORY', message);
    }
    this.#held += bytes;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }
}
