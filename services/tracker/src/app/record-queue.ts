import type { Clock } from '@enjambre/common/async/clock';
import type { Logger } from '@enjambre/common/log/logger';
import type { InfoHash } from '@enjambre/core/ids';
import type { FileRecord, RecordKeeper } from '../domain/catalogue.js';
import type { TrackerStore } from './ports.js';

/** So many are under way to the store at a time. */
const AT_ONCE = 32;
/** More than a tracker holds swarms need not wait: the newest are then left out until they are said again. */
const MAX_WAITING = 100_000;
/** A store that is there and does not keep is asked again after so long. */
const RETRY_MS = 1000;

interface RecordQueueComponents {
  readonly clock: Clock;
  readonly store: Pick<TrackerStore, 'available' | 'keep' | 'forget'>;
  readonly log: Logger;
  /** Hears what stands in the network of a record that was kept. */
  readonly onKept: (record: FileRecord) => void;
}

/** Records on their way to the store; while that is away they wait, the last word on each file. */
export class RecordQueue implements RecordKeeper {
  readonly #waiting = new Map<InfoHash, FileRecord | undefined>();
  readonly #stopping = new AbortController();
  #workers = 0;

  constructor(private readonly parts: RecordQueueComponents) {}

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
  }

  keep(record: FileRecord): void {
    this.#add(record.infohash, record);
  }

  forget(infohash: InfoHash): void {
    this.#add(infohash, undefined);
  }

  /** To be called when the store can be reached again. */
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
    // Not at once: what is said in one go is looked at together.
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
      log.debug({ err: error, infohash }, 'a record of the catalogue could not be kept: it is tried again');
      return false;
    }
  }
}
