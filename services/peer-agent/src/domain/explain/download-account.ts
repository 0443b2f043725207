import {
  CAUSES,
  MISHAPS,
  NO_ACCOUNT,
  type AccountRecord,
  type Cause,
  type Mishap,
  type TimeSpent,
} from './causes.js';

/** Monotonic milliseconds, and milliseconds since 1970. */
export interface Clock {
  nowMs(): number;
  epochMs(): number;
}

/**
 * Keeps account of the time of one download: while it is open, every millisecond goes to exactly one cause, so that they
 * add up to the whole. Costs a few additions for each change of cause, and nothing for a block.
 */
export class DownloadAccount {
  readonly #spent: Record<Cause, { ms: number; stalledMs: number }>;
  readonly #mishaps: Record<Mishap, number>;
  #duplicateBytes: number;
  #metainfoAtMs: number;
  #firstByteAtMs: number;
  #untilMs: number;
  /** What the time since `#sinceMs` goes to unless it is said otherwise; undefined while the account is closed. */
  #cause: Cause | undefined;
  #sinceMs = 0;

  /** @param before what was kept in earlier processes */
  constructor(
    private readonly clock: Clock,
    before: AccountRecord = NO_ACCOUNT,
  ) {
    this.#spent = table(CAUSES, (cause) => ({ ms: 0, stalledMs: 0, ...before.spent[cause] }));
    this.#mishaps = table(MISHAPS, (mishap) => before.mishaps[mishap] ?? 0);
    this.#duplicateBytes = before.duplicateBytes;
    this.#metainfoAtMs = before.metainfoAtMs;
    this.#firstByteAtMs = before.firstByteAtMs;
    this.#untilMs = before.untilMs;
  }

  /** Milliseconds accounted for so far. */
  get totalMs(): number {
    return CAUSES.reduce((sum, cause) => sum + this.#spent[cause].ms, 0) + this.#openMs;
  }

  /**
   * From now on time goes to `cause`. The first time in a process, all since the end of the last one goes to `meanwhile`.
   */
  enter(cause: Cause, meanwhile: Cause = 'off'): void {
    this.settle();
    if (this.#cause === undefined && this.#untilMs > 0) {
      this.#add(meanwhile, Math.max(0, this.clock.epochMs() - this.#untilMs), true);
    }
    this.#cause = cause;
    this.#sinceMs = this.clock.nowMs();
    this.#untilMs = 0;
  }

  /** The time since the last word went to `cause`, by default to the one that was entered. @param stalled no byte came */
  settle(cause = this.#cause, stalled = true): void {
    if (this.#cause === undefined || cause === undefined) return;
    const nowMs = this.clock.nowMs();
    this.#add(cause, nowMs - this.#sinceMs, stalled);
    this.#sinceMs = nowMs;
  }

  /** The download is over: no more time goes to it, until it is entered again. */
  close(): void {
    this.settle();
    this.#cause = undefined;
    this.#untilMs = 0;
  }

  /** Something went wrong. */
  note(mishap: Mishap): void {
    this.#mishaps[mishap] += 1;
  }

  /** A block came that was there already. */
  repeated(bytes: number): void {
    this.#duplicateBytes += bytes;
  }

  metainfoFound(): void {
    if (this.#metainfoAtMs < 0) this.#metainfoAtMs = this.totalMs;
  }

  blockCame(): void {
    if (this.#firstByteAtMs < 0) this.#firstByteAtMs = this.totalMs;
  }

  /** As it stands. */
  get record(): AccountRecord {
    const spent = table(CAUSES, (cause) => ({ ...this.#spent[cause] }));
    if (this.#cause !== undefined) {
      spent[this.#cause].ms += this.#openMs;
      spent[this.#cause].stalledMs += this.#openMs;
    }
    return {
      spent: present(spent, ({ ms }: TimeSpent) => ms > 0),
      mishaps: present(this.#mishaps, (count) => count > 0),
      duplicateBytes: this.#duplicateBytes,
      metainfoAtMs: this.#metainfoAtMs,
      firstByteAtMs: this.#firstByteAtMs,
      untilMs: this.#cause === undefined ? this.#untilMs : this.clock.epochMs(),
    };
  }

  get #openMs(): number {
    return this.#cause === undefined ? 0 : this.clock.nowMs() - this.#sinceMs;
  }

  #add(cause: Cause, ms: number, stalled: boolean): void {
    const spent = this.#spent[cause];
    spent.ms += ms;
    if (stalled) spent.stalledMs += ms;
  }
}

function table<Key extends string, Value>(
  keys: readonly Key[],
  valueOf: (key: Key) => Value,
): Record<Key, Value> {
  return Object.fromEntries(keys.map((key) => [key, valueOf(key)])) as Record<Key, Value>;
}

/** Without entries that say nothing. */
function present<Key extends string, Value>(
  entries: Readonly<Record<Key, Value>>,
  counts: (value: Value) => boolean,
): Partial<Record<Key, Value>> {
  return Object.fromEntries(Object.entries<Value>(entries).filter(([, value]) => counts(value))) as Partial<
    Record<Key, Value>
  >;
}
