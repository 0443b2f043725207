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
  /** It is finished, and waits for its turn. */
  ready: boolean;
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
  #sweepAtMs = -Infinity;

  constructor(private readonly init: SharedFolderInit) {}

  /** When there is something to look at next. */
  get nextLookMs(): number {
    let next = this.#sweepAtMs;
    for (const atMs of this.#looks.values()) next = Math.min(next, atMs);
    return next;
  }

  /** What is to be looked at now: these entries, or everything. */
  due(nowMs: number): 'all' | string[] {
    if (this.#sweepAtMs <= nowMs) return 'all';
    return [...this.#looks].filter(([, atMs]) => atMs <= nowMs).map(([name]) => name);
  }

  /** Something about an entry may have changed. */
  touched(name: string, nowMs: number): void {
    // One that is looked at anyway needs no look more: what grows would never be left alone.
    if (!this.#looks.has(name)) this.#looks.set(name, nowMs + this.init.noticeMs);
  }

  /** Anything may have changed. */
  touchedAll(nowMs: number): void {
    this.#sweepAtMs = Math.min(this.#sweepAtMs, nowMs + this.init.noticeMs);
  }

  /** The folder itself could not be read: nothing is known. */
  unreadable(nowMs: number): void {
    this.#sweepAtMs = nowMs + this.init.sweepMs;
    for (const name of this.#looks.keys()) this.#looks.set(name, this.#sweepAtMs);
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
    const effects = [...names].flatMap((name) => this.#note(name, looks?.get(name), nowMs));
    return [...effects, ...this.#begin()];
  }

  /** The end of the work that a `share` began. */
  ended(name: string, outcome: ShareOutcome, nowMs: number): FolderEffect[] {
    const entry = this.#entries.get(name);
    if (!entry) return this.#begin();
    const { work } = entry;
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
    this.#looks.delete(name);
    const entry = this.#entries.get(name);
    if (look === undefined) return this.#noteGone(name, entry);
    if (entry?.look !== look) {
      const isAtWork = entry !== undefined && entry.work !== 'none';
      const changed: Entry = {
        look,
        sinceMs: nowMs,
        settled: false,
        ready: false,
        work: isAtWork ? 'outdated' : 'none',
      };
      this.#entries.set(name, changed);
      this.#waitFrom(name, changed, nowMs);
      return [{ kind: 'recheck', name }];
    }
    if (entry.settled || entry.work === 'sharing') return [];
    if (nowMs - entry.sinceMs >= this.init.quietMs) entry.ready = true;
    else this.#waitFrom(name, entry, entry.sinceMs);
    return [];
  }

  #noteGone(name: string, entry: Entry | undefined): FolderEffect[] {
    if (!entry || entry.work === 'none') this.#entries.delete(name);
    else Object.assign(entry, { look: undefined, work: 'outdated', ready: false });
    return [{ kind: 'withdraw', name }];
  }

  #waitFrom(name: string, entry: Entry, sinceMs: number): void {
    entry.sinceMs = sinceMs;
    entry.ready = false;
    this.#looks.set(name, sinceMs + this.init.quietMs);
  }

  /** Shares what is ready, as far as there is room. */
  #begin(): FolderEffect[] {
    const effects: FolderEffect[] = [];
    let running = 0;
    for (const { work } of this.#entries.values()) if (work !== 'none') running += 1;
    for (const [name, entry] of this.#entries) {
      if (running >= this.init.atOnce) break;
      if (!entry.ready || entry.work !== 'none') continue;
      entry.ready = false;
      entry.work = 'sharing';
      running += 1;
      effects.push({ kind: 'share', name });
    }
    return effects;
  }
}
