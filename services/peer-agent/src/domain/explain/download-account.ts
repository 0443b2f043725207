import {
  CAUSES,
  MISHAPS,
  NO_ACCOUNT,
  type AccountRecord,
  type Cause,
  type Mishap,
  type TimeSpent,
} from './causes.js';

/** Monotonic milliseconds, and milliseconds since the Unix epoch. */
export interface Clock {
  nowMs(): number;
  epochMs(): number;
}

/**
 * Accounts for the time of one download: while it is open, every millisecond goes to exactly one cause, so that the
 * causes add up to the total. Costs a few additions per change of cause, and nothing per block.
 */
export class DownloadAccount {
  readonly #spent: Record<Cause, { ms: number; stalledMs: number }>;
  readonly #mishaps: Record<Mishap, number>;
  #duplicateBytes: number;
  #metainfoAtMs: number;
  #firstByteAtMs: number;
  #untilMs: number;
  /**
   * Cause for the time since `#sinceMs`, unless {@link settle} names another; undefined while the account is closed.
   */
  #cause: Cause | undefined;
  #sinceMs = 0;

  /** @param before account of earlier processes */
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
   * Accounts for the time from now on to `cause`. On the first call in a process, the time since the end of the last
   * process goes to `meanwhile`.
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

  /**
   * Accounts for the time since the last call to `cause`, by default the one entered. @param stalled no byte was
   * received
   */
  settle(cause = this.#cause, stalled = true): void {
    if (this.#cause === undefined || cause === undefined) return;
    const nowMs = this.clock.nowMs();
    this.#add(cause, nowMs - this.#sinceMs, stalled);
    this.#sinceMs = nowMs;
  }

  /** Closes the account: no more time is counted until it is entered again. */
  close(): void {
    this.settle();
    this.#cause = undefined;
    this.#untilMs = 0;
  }

  /** Counts a mishap. */
  note(mishap: Mishap): void {
    this.#mishaps[mishap] += 1;
  }

  /** Counts a block that was received twice. */
  repeated(bytes: number): void {
    this.#duplicateBytes += bytes;
  }

  metainfoFound(): void {
    if (this.#metainfoAtMs < 0) this.#metainfoAtMs = this.totalMs;
  }

  blockCame(): void {
    if (this.#firstByteAtMs < 0) this.#firstByteAtMs = this.totalMs;
  }

  /** The current account. */
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

/** Drops empty entries. */
function present<Key extends string, Value>(
  entries: Readonly<Record<Key, Value>>,
  counts: (value: Value) => boolean,
): Partial<Record<Key, Value>> {
  return Object.fromEntries(Object.entries<Value>(entries).filter(([, value]) => counts(value))) as Partial<
    Record<Key, Value>
  >;
}
