/** What is to be done about an entry, a file or folder, of the shared folder. */
export interface FolderEffect {
  /**
   * `share`: offer it as it is now, and tell with {@link SharedFolder.ended} how that went.
   * `recheck`: it is not as it was; offer no more what it is not any more, and give up sharing it.
   * `withdraw`: it is not there; offer nothing of it, and give up sharing it.
   */
  readonly kind: 'share' | 'recheck' | 'withdraw';
  readonly name: string;
}

/**
 * `settled`: it is shared, or cannot be as it is. `changed`: it was another at the end than
 * at the beginning. `failed`: something else was in the way, which may pass.
 */
export type ShareOutcome = 'settled' | 'changed' | 'failed';

export interface SharedFolderInit {
  /** What has not changed for so long is taken for finished. */
  readonly quietMs: number;
  /** After a first sign of a change, more are awaited for so long. */
  readonly noticeMs: number;
  /** All of it is looked at at least so often: not every file system tells of changes. */
  readonly sweepMs: number;
  /** How long until a share that failed is tried again. */
  readonly retryMs: number;
  /** Entries shared at the same time: hashing is work. */
  readonly atOnce: number;
}

interface Entry {
  /** A text that changes when any of its files does; undefined if it went while it was being shared. */
  look: string | undefined;
  /** When it began to look so. */
  sinceMs: number;
  /** Nothing is to be done until it looks different. */
  settled: boolean;
  /** `outdated`: it is being shared as what it is not any more. */
  work: 'none' | 'sharing' | 'outdated';
}

/**
 * Decides what of a folder is to be shared and withdrawn, from how its entries look and
 * when. Each is shared once it has looked the same for a while, anew after each change,
 * and withdrawn when it is gone. Pure: whoever uses it looks when told to, at what is
 * {@link due}, and carries out the effects in their order.
 */
export class SharedFolder {
  readonly #entries = new Map<string, Entry>();
  /** When to look at which entry. */
  readonly #looks = new Map<string, number>();
  /** When the next of them is; undefined if that is to be found out: there may be very many. */
  #nextMs: number | undefined = Infinity;
  /** Entries that are finished and wait for their turn. */
  readonly #ready = new Set<string>();
  /** How many are being shared. */
  #running = 0;
  #sweepAtMs = -Infinity;

  constructor(private readonly init: SharedFolderInit) {}

  /** When there is something to look at next. */
  get nextLookMs(): number {
    if (this.#nextMs === undefined) {
      this.#nextMs = Infinity;
      for (const atMs of this.#looks.values()) this.#nextMs = Math.min(this.#nextMs, atMs);
    }
    return Math.min(this.#sweepAtMs, this.#nextMs);
  }

  /** What is to be looked at now: these entries, or everything. */
  due(nowMs: number): 'all' | string[] {
    if (this.#sweepAtMs <= nowMs) return 'all';
    if (this.nextLookMs > nowMs) return [];
    return [...this.#looks].filter(([, atMs]) => atMs <= nowMs).map(([name]) => name);
  }

  /** Something about an entry may have changed. */
  touched(name: string, nowMs: number): void {
    // One that is looked at anyway needs no look more: what grows would never be left alone.
    if (!this.#looks.has(name)) this.#lookAt(name, nowMs + this.init.noticeMs);
  }

  /** Anything may have changed. */
  touchedAll(nowMs: number): void {
    this.#sweepAtMs = Math.min(this.#sweepAtMs, nowMs + this.init.noticeMs);
  }

  /** The folder itself could not be read: nothing is known. */
  unreadable(nowMs: number): void {
    this.#sweepAtMs = nowMs + this.init.sweepMs;
    for (const name of this.#looks.keys()) this.#looks.set(name, this.#sweepAtMs);
    this.#nextMs = undefined;
  }

  /** How an entry looks; undefined if it is not there. */
  seen(name: string, look: string | undefined, nowMs: number): FolderEffect[] {
    return [...this.#note(name, look, nowMs), ...this.#begin()];
  }

  /**
   * How all entries look; undefined if the folder is not there.
   * @param held names of which something is offered
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

  /** The end of the work that a `share` began. */
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

  /** Shares what is ready, as far as there is room. */
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
