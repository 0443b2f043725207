import type { Clock } from '@enjambre/common/async/clock';
import type { Logger } from '@enjambre/common/log/logger';
import type { TrackerStore } from './ports.js';

/** Maximum number of concurrent writes to the store. */
const AT_ONCE = 32;
/**
 * Limit of waiting records, more than a tracker's swarms: the newest are dropped until they are noted again.
 */
const MAX_WAITING = 100_000;
/** Delay before a reachable store that failed is tried again. */
const RETRY_MS = 1000;

interface RecordQueueComponents<Key, Item> {
  readonly clock: Clock;
  readonly store: Pick<TrackerStore, 'available'>;
  readonly log: Logger;
  /** Stores a record, or forgets it if there is none. */
  readonly write: (key: Key, item: Item | undefined) => Promise<void>;
}

/**
 * Records on their way to the store; while it is unreachable they wait, only the latest state of each.
 */
export class RecordQueue<Key, Item> {
  readonly #waiting = new Map<Key, Item | undefined>();
  readonly #stopping = new AbortController();
  #workers = 0;

  constructor(private readonly parts: RecordQueueComponents<Key, Item>) {}

  /** Number of waiting records. */
  get size(): number {
    return this.#waiting.size;
  }

  keep(key: Key, item: Item): void {
    this.#add(key, item);
  }

  forget(key: Key): void {
    this.#add(key, undefined);
  }

  /** Call it when the store is reachable again. */
  resume(): void {
    while (this.#workers < AT_ONCE && this.#workers < this.#waiting.size) void this.#work();
  }

  stop(): void {
    this.#stopping.abort();
  }

  #add(key: Key, item: Item | undefined): void {
    if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(key)) return;
    this.#waiting.set(key, item);
    this.resume();
  }

  async #work(): Promise<void> {
    this.#workers += 1;
    const { signal } = this.#stopping;
    // Deferred: records noted in the same turn are written together.
    await Promise.resolve();
    for (const [key, item] of this.#waiting) {
      if (signal.aborted || !this.parts.store.available) break;
      this.#waiting.delete(key);
      if (await this.#send(key, item)) continue;
      if (!this.#waiting.has(key)) this.#waiting.set(key, item);
      if (!(await this.parts.clock.sleep(RETRY_MS, signal))) break;
    }
    this.#workers -= 1;
  }

  async #send(key: Key, item: Item | undefined): Promise<boolean> {
    const { write, log } = this.parts;
    try {
      await write(key, item);
      return true;
    } catch (error) {
      log.debug({ err: error, key }, 'a record of the catalogue could not be stored: retrying');
      return false;
    }
  }
}
