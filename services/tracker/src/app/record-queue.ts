import type { Clock } from '@enjambre/common/async/clock';
import type { Logger } from '@enjambre/common/log/logger';
import type { InfoHash } from '@enjambre/core/ids';
import type { FileRecord, RecordKeeper } from '../domain/catalogue.js';
import type { TrackerStore } from './ports.js';

/** Maximum number of concurrent writes to the store. */
const AT_ONCE = 32;
/**
 * Limit of waiting records, more than a tracker's swarms: the newest are dropped until they are noted again.
 */
const MAX_WAITING = 100_000;
/** Delay before a reachable store that failed is tried again. */
const RETRY_MS = 1000;

interface RecordQueueComponents {
  readonly clock: Clock;
  readonly store: Pick<TrackerStore, 'available' | 'keep' | 'forget'>;
  readonly log: Logger;
  /** Receives the stored state of a record. */
  readonly onKept: (record: FileRecord) => void;
}

/**
 * Records on their way to the store; while it is unreachable they wait, only the latest state of each file.
 */
export class RecordQueue implements RecordKeeper {
  readonly #waiting = new Map<InfoHash, FileRecord | undefined>();
  readonly #stopping = new AbortController();
  #workers = 0;

  constructor(private readonly parts: RecordQueueComponents) {}

  /** Number of waiting records. */
  get size(): number {
    return this.#waiting.size;
  }

  keep(record: FileRecord): void {
    this.#add(record.infohash, record);
  }

  forget(infohash: InfoHash): void {
    this.#add(infohash, undefined);
  }

  /** Call it when the store is reachable again. */
  resume(): void {
    while (this.#workers < AT_ONCE && this.#workers < this.#waiting.size) void this.#work();
  }

  stop(): void {
    this.#stopping.abort();
  }

  #add(infohash: InfoHash, record: FileRecord | undefined): void {
    if (this.#waiting.size >= MAX_WAITING && !this.#waiting.has(infohash)) return;
    this.#waiting.set(infohash, record);
    this.resume();
  }

  async #work(): Promise<void> {
    this.#workers += 1;
    const { signal } = this.#stopping;
    // Deferred: records noted in the same turn are written together.
    await Promise.resolve();
    for (const [infohash, record] of this.#waiting) {
      if (signal.aborted || !this.parts.store.available) break;
      this.#waiting.delete(infohash);
      if (await this.#send(infohash, record)) continue;
      if (!this.#waiting.has(infohash)) this.#waiting.set(infohash, record);
      if (!(await this.parts.clock.sleep(RETRY_MS, signal))) break;
    }
    this.#workers -= 1;
  }

  async #send(infohash: InfoHash, record: FileRecord | undefined): Promise<boolean> {
    const { store, log, onKept } = this.parts;
    try {
      if (record) onKept(await store.keep(record));
      else await store.forget(infohash);
      return true;
    } catch (error) {
      log.debug({ err: error, infohash }, 'a record of the catalogue could not be stored: retrying');
      return false;
    }
  }
}
