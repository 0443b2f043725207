/** An action on an entry (a file or folder) of the shared folder. */
export interface FolderEffect {
  /**
   * `share`: offer the entry as it is now, and report the outcome to {@link SharedFolder.ended}.
   * `recheck`: the entry has changed; stop offering content that it no longer holds, and cancel sharing it.
   * `withdraw`: the entry is missing; offer nothing of it, and cancel sharing it.
   */
  readonly kind: 'share' | 'recheck' | 'withdraw';
  readonly name: string;
}

/**
 * `settled`: the entry is shared, or cannot be shared as it is. `changed`: the entry changed while it was being shared.
 * `failed`: another error, possibly temporary.
 */
export type ShareOutcome = 'settled' | 'changed' | 'failed';

export interface SharedFolderInit {
  /** An entry counts as finished when it has not changed for this long. */
  readonly quietMs: number;
  /** After the first sign of a change, more changes are collected for this long. */
  readonly noticeMs: number;
  /** Interval of full scans: not every file system reports all changes. */
  readonly sweepMs: number;
  /** Delay until a failed share is retried. */
  readonly retryMs: number;
  /** Maximum number of entries shared concurrently: hashing is expensive. */
  readonly atOnce: number;
}

interface Entry {
  /** A text that changes when any of its files does; undefined if the entry vanished while it was being shared. */
  look: string | undefined;
  /** When this state was first seen. */
  sinceMs: number;
  /** Nothing is left to do until the entry changes. */
  settled: boolean;
  /** `outdated`: the share in progress is for a state that no longer exists. */
  work: 'none' | 'sharing' | 'outdated';
}

/**
 * Decides which entries of a folder to share and to withdraw, from their states over time. Each entry is shared once it
 * has been unchanged for a while, shared again after each change, and withdrawn when it is gone. Pure: the caller
 * checks the entries that are {@link due}, when they are due, and carries out the effects in order.
 */
export class SharedFolder {
  readonly #entries = new Map<string, Entry>();
  /** Time of the next check, by entry. */
  readonly #looks = new Map<string, number>();
  /** Earliest of those times; undefined if it must be recomputed: there may be very many. */
  #nextMs: number | undefined = Infinity;
  /** Finished entries that wait for their turn. */
  readonly #ready = new Set<string>();
  /** Number of entries being shared. */
  #running = 0;
  #sweepAtMs = -Infinity;

  constructor(private readonly init: SharedFolderInit) {}

  /** Time of the next check. */
  get nextLookMs(): number {
    if (this.#nextMs === undefined) {
      this.#nextMs = Infinity;
      for (const atMs of this.#looks.values()) this.#nextMs = Math.min(this.#nextMs, atMs);
    }
    return Math.min(this.#sweepAtMs, this.#nextMs);
  }

  /** Entries to check now: the named ones, or all. */
  due(nowMs: number): 'all' | string[] {
    if (this.#sweepAtMs <= nowMs) return 'all';
    if (this.nextLookMs > nowMs) return [];
    return [...this.#looks].filter(([, atMs]) => atMs <= nowMs).map(([name]) => name);
  }

  /** An entry may have changed. */
  touched(name: string, nowMs: number): void {
    // An entry with a check scheduled needs no further one: a growing file would be checked continually.
    if (!this.#looks.has(name)) this.#lookAt(name, nowMs + this.init.noticeMs);
  }

  /** Any entry may have changed. */
  touchedAll(nowMs: number): void {
    this.#sweepAtMs = Math.min(this.#sweepAtMs, nowMs + this.init.noticeMs);
  }

  /** The folder itself could not be read: the states of its entries are unknown. */
  unreadable(nowMs: number): void {
    this.#sweepAtMs = nowMs + this.init.sweepMs;
    for (const name of this.#looks.keys()) this.#looks.set(name, this.#sweepAtMs);
    this.#nextMs = undefined;
  }

  /** The state of one entry; undefined if it is missing. */
  seen(name: string, look: string | undefined, nowMs: number): FolderEffect[] {
    return [...this.#note(name, look, nowMs), ...this.#begin()];
  }

  /**
   * The states of all entries; undefined if the folder is missing.
   * @param held names of entries with content on offer
   */
  seenAll(
    looks: ReadonlyMap<string, string> | undefined,
    held: Iterable<string>,
    nowMs: number,
  ): FolderEffect[] {
    this.#sweepAtMs = nowMs + (looks ? this.init.sweepMs : this.init.quietMs);
    const names = new Set([...held, ...this.#entries.keys(), ...(looks?.keys() ?? [])]);
    this.#looks.clear();
    this.#nextMs = Infinity;
    const effects = [...names].flatMap((name) => this.#note(name, looks?.get(name), nowMs));
    return [...effects, ...this.#begin()];
  }

  /** The share started by a `share` effect has ended. */
  ended(name: string, outcome: ShareOutcome, nowMs: number): FolderEffect[] {
    const entry = this.#entries.get(name);
    if (!entry) return this.#begin();
    const { work } = entry;
    if (work !== 'none') this.#running -= 1;
    entry.work = 'none';
    if (entry.look === undefined) {
      this.#entries.delete(name);
      return [{ kind: 'withdraw', name }, ...this.#begin()];
    }
    if (work === 'sharing') {
      entry.settled = outcome === 'settled';
      if (outcome === 'changed') this.#waitFrom(name, entry, nowMs);
      if (outcome === 'failed') this.#waitFrom(name, entry, nowMs + this.init.retryMs - this.init.quietMs);
    }
    return this.#begin();
  }

  #note(name: string, look: string | undefined, nowMs: number): FolderEffect[] {
    this.#dropLook(name);
    const entry = this.#entries.get(name);
    if (look === undefined) return this.#noteGone(name, entry);
    if (entry?.look !== look) {
      const isAtWork = entry !== undefined && entry.work !== 'none';
      const changed: Entry = {
        look,
        sinceMs: nowMs,
        settled: false,
        work: isAtWork ? 'outdated' : 'none',
      };
      this.#entries.set(name, changed);
      this.#waitFrom(name, changed, nowMs);
      return [{ kind: 'recheck', name }];
    }
    if (entry.settled || entry.work === 'sharing') return [];
    if (nowMs - entry.sinceMs >= this.init.quietMs) this.#ready.add(name);
    else this.#waitFrom(name, entry, entry.sinceMs);
    return [];
  }

  #noteGone(name: string, entry: Entry | undefined): FolderEffect[] {
    this.#ready.delete(name);
    if (!entry || entry.work === 'none') this.#entries.delete(name);
    else Object.assign(entry, { look: undefined, work: 'outdated' });
    return [{ kind: 'withdraw', name }];
  }

  #waitFrom(name: string, entry: Entry, sinceMs: number): void {
    entry.sinceMs = sinceMs;
    this.#ready.delete(name);
    this.#lookAt(name, sinceMs + this.init.quietMs);
  }

  #dropLook(name: string): void {
    if (this.#looks.get(name) === this.#nextMs) this.#nextMs = undefined;
    this.#looks.delete(name);
  }

  #lookAt(name: string, atMs: number): void {
    this.#dropLook(name);
    this.#looks.set(name, atMs);
    if (this.#nextMs !== undefined) this.#nextMs = Math.min(this.#nextMs, atMs);
  }

  /** Starts to share finished entries, up to the limit. */
  #begin(): FolderEffect[] {
    const effects: FolderEffect[] = [];
    for (const name of this.#ready) {
      if (this.#running >= this.init.atOnce) break;
      const entry = this.#entries.get(name);
      if (entry?.work !== 'none') continue;
      this.#ready.delete(name);
      entry.work = 'sharing';
      this.#running += 1;
      effects.push({ kind: 'share', name });
    }
    return effects;
  }
}
