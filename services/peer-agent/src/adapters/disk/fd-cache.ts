import { close, constants, open } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from './make-folder.js';
import { openFilesShare, openPatiently } from './open-files.js';

const openFile = promisify(open);
const closeFile = promisify(close);

/**
 * `create` creates the file and its folders if they are missing, `new` throws EEXIST if anything is there, `write` creates
 * nothing. None truncates.
 */
export type OpenMode = 'read' | 'write' | 'create' | 'new';

interface Entry {
  readonly key: string;
  readonly path: string;
  readonly fd: Promise<number>;
  users: number;
  /** False until the open has succeeded. */
  open: boolean;
  /** Close it as soon as it is unused. */
  doomed: boolean;
  /** True once closing has begun. A second close would hit whichever file has the number by then. */
  closed: boolean;
}

/** The capacity never shrinks below this. */
const LEAST_CAPACITY = 4;
const KEPT_OF_OPEN = 3 / 4;

/**
 * Open files of all transfers, closed in least-recently-used order, so that a folder of 100,000 files needs no more
 * descriptors than one file. A descriptor in use stays open; while all permitted ones are in use, callers wait. If the
 * system runs out of descriptors, the capacity shrinks permanently, and an open waits a few seconds for one.
 */
export class FdCache {
  readonly #entries = new Map<string, Entry>();
  /**
   * Unused entries, least recently used first. Thousands may be in use or waiting: none of those is visited to find one
   * to close.
   */
  readonly #idle = new Set<Entry>();
  /** Files that are open, or being opened. */
  #open = 0;
  /** Callers that wait for a free descriptor, oldest first. */
  readonly #waiting: (() => void)[] = [];

  /** @param capacity maximum number of open files */
  constructor(private capacity = openFilesShare()) {}

  /** Runs `use` with a descriptor of `path`. Throws errors of `open` and `use`. Never call it from within a `use`. */
  async with<T>(path: string, mode: OpenMode, use: (fd: number) => Promise<T>): Promise<T> {
    const entry = this.#acquire(path, mode);
    try {
      return await use(await entry.fd);
    } finally {
      entry.users -= 1;
      if (entry.users === 0 && !entry.doomed) this.#idle.add(entry);
      await this.#trim();
      if (entry.doomed && entry.users === 0) await this.#close(entry);
    }
  }

  /** Closes all files at or below `path` once they are unused. */
  async forget(path: string): Promise<void> {
    for (const entry of this.#entries.values()) {
      if (entry.path === path || entry.path.startsWith(`${path}/`)) await this.#drop(entry);
    }
  }

  async close(): Promise<void> {
    for (const entry of this.#entries.values()) await this.#drop(entry);
  }

  #acquire(path: string, mode: OpenMode): Entry {
    const key = `${mode === 'read' ? 'read' : 'write'}:${path}`;
    const known = this.#entries.get(key);
    const entry: Entry = known ?? {
      key,
      path,
      fd: this.#openInTurn(path, mode),
      users: 0,
      open: false,
      doomed: false,
      closed: false,
    };
    this.#entries.set(key, entry);
    this.#idle.delete(entry);
    entry.users += 1;
    if (!known) this.#follow(entry);
    return entry;
  }

  #follow(entry: Entry): void {
    entry.fd.then(
      () => (entry.open = true),
      () => {
        entry.doomed = true;
        if (this.#entries.get(entry.key) === entry) this.#entries.delete(entry.key);
      },
    );
    void this.#trim();
  }

  async #openInTurn(path: string, mode: OpenMode): Promise<number> {
    while (this.#open >= this.capacity) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#open += 1;
    try {
      return await openPatiently(
        () => openIn(path, mode),
        () => this.#shrink(),
      );
    } catch (error) {
      this.#open -= 1;
      this.#waiting.shift()?.();
      throw error;
    }
  }

  /** The system has no more descriptors: gives up some, also for sockets and the data folder. */
  #shrink(): void {
    const kept = Math.floor(this.#open * KEPT_OF_OPEN);
    this.capacity = Math.min(this.capacity, Math.max(LEAST_CAPACITY, kept));
    void this.#trim();
  }

  /** Closes unused files beyond the capacity. Callers that wait to open need room as well. */
  async #trim(): Promise<void> {
    for (const entry of this.#idle) {
      if (this.#open + this.#waiting.length <= this.capacity) return;
      await this.#drop(entry);
    }
  }

  async #drop(entry: Entry): Promise<void> {
    this.#entries.delete(entry.key);
    this.#idle.delete(entry);
    entry.doomed = true;
    if (entry.users === 0) await this.#close(entry);
  }

  async #close(entry: Entry): Promise<void> {
    if (entry.closed) return;
    entry.closed = true;
    if (!entry.open) return;
    this.#open -= 1;
    await entry.fd.then(closeFile).catch(() => undefined);
    this.#waiting.shift()?.();
  }
}

async function openIn(path: string, mode: OpenMode): Promise<number> {
  if (mode === 'read') return openFile(path, constants.O_RDONLY);
  // What is written is never reached by a link that another user may have planted.
  const flags = constants.O_RDWR | constants.O_NOFOLLOW;
  if (mode === 'write') return openFile(path, flags);
  const creating = flags | constants.O_CREAT | (mode === 'new' ? constants.O_EXCL : 0);
  try {
    return await openFile(path, creating, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await makeFolder(dirname(path));
    return openFile(path, creating, 0o644);
  }
}
