import type { Logger } from '@enjambre/common/log/logger';
import { infoHashFromBytes, shortId, type InfoHash } from '@enjambre/core/ids';
import type { Problem } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

interface ObjectionsOptions {
  readonly log: Logger;
  /** Announces these files again, and watches their swarms. */
  readonly retry: (infohashes: readonly InfoHash[]) => void;
  /** Delay before the first retry in milliseconds; it doubles up to ten times. @default 60000 */
  readonly retryMs?: number;
}

/** Harmless problems: a watch on a swarm without members, and a message unknown to an older tracker. */
const HARMLESS: ReadonlySet<string> = new Set(['SWARM_NOT_FOUND', 'UNKNOWN_MESSAGE']);
/** The tracker has no room now; it may have some later. */
const NO_ROOM: ReadonlySet<string> = new Set(['TOO_MANY_SWARMS', 'TOO_MANY_WATCHES']);
const RETRY_MS = 60_000;
const MAX_DOUBLINGS = 3;
/** Files announced again at a time: a tracker takes the messages of an address at a limited rate. */
const MOST_AT_ONCE = 1000;

/** Messages that the tracker rejected: logs them, and retries those that it had no room for. */
export class Objections {
  readonly #options: ObjectionsOptions;
  readonly #waiting = new Set<InfoHash>();
  #retries = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ObjectionsOptions) {
    this.#options = options;
  }

  add({ infohash, reason, message }: Problem): void {
    const { log } = this.#options;
    const about = infohash.length === 32 ? infoHashFromBytes(infohash) : undefined;
    const level = HARMLESS.has(reason) ? 'debug' : 'warn';
    if (NO_ROOM.has(reason) && about !== undefined) return this.#wait(about, message);
    log[level](
      { reason },
      `the tracker rejected a message${about ? ` about ${shortId(about)}` : ''}: ${message}`,
    );
  }

  /** The session has ended: the next one announces everything again. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
    this.#retries = 0;
  }

  #wait(infohash: InfoHash, message: string): void {
    this.#waiting.add(infohash);
    this.#retryLater(message);
  }

  #retryLater(message: string): void {
    if (this.#timer || this.#waiting.size === 0) return;
    const { retryMs = RETRY_MS } = this.#options;
    const waitMs = retryMs * 2 ** Math.min(this.#retries, MAX_DOUBLINGS);
    this.#timer = setTimeout(() => this.#retry(message), waitMs);
  }

  /** Logs at the time of the retry, when it is known for how many files there was no room. */
  #retry(message: string): void {
    const { log, retry } = this.#options;
    const files = this.#waiting.size;
    this.#timer = undefined;
    this.#retries += 1;
    const next = [...this.#waiting].slice(0, MOST_AT_ONCE);
    for (const infohash of next) this.#waiting.delete(infohash);
    log.warn({ file_count: files }, `the tracker had no room for ${files} files: ${message}; retrying`);
    retry(next);
    this.#retryLater(message);
  }
}
