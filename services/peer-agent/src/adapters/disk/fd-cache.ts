import { close, constants, open } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from './make-folder.js';

const openFile = promisify(open);
const closeFile = promisify(close);

export type OpenMode = 'read' | 'write';

interface Entry {
  readonly key: string;
  readonly path: string;
  readonly fd: Promise<number>;
  users: number;
  /** To be closed as soon as nobody uses it. */
  doomed: boolean;
  /** Closing began. A second close would hit whatever file has the number by then. */
  closed: boolean;
}

/**
 * Open files of all transfers, the least recently used closed first, so that a folder of
 * 100,000 files needs no more descriptors than one file. A descriptor in use stays open.
 */
export class FdCache {
  /** In order of use, the oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(private readonly capacity = 256) {}

  /**
   * Runs `use` with a descriptor of `path`. In `write` mode the file and its folders are
   * made if need be; what is in it stays. Throws what `open` and `use` throw.
   */
  async with<T>(path: string, mode: OpenMode, use: (fd: number) => Promise<T>): Promise<T> {
    const entry = this.#acquire(path, mode);
    try {
      return await use(await entry.fd);
    } finally {
      entry.users -= 1;
      await this.#trim();
      if (entry.doomed && entry.users === 0) await closeQuietly(entry);
    }
  }

  /** Closes all files at or below `path` once they are not in use. */
  async forget(path: string): Promise<void> {
    for (const entry of this.#entries.values()) {
      if (entry.path === path || entry.path.startsWith(`${path}/`)) await this.#drop(entry);
    }
  }

  async close(): Promise<void> {
    for (const entry of this.#entries.values()) await this.#drop(entry);
  }

  #acquire(path: string, mode: OpenMode): Entry {
    const key = `${mode}:${path}`;
    const entry = this.#entries.get(key) ?? {
      key,
      path,
      fd: openIn(path, mode),
      users: 0,
      doomed: false,
      closed: false,
    };
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    entry.users += 1;
    entry.fd.catch(() => {
      entry.doomed = true;
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    return entry;
  }

  async #trim(): Promise<void> {
    for (const entry of this.#entries.values()) {
      if (this.#entries.size <= this.capacity) return;
      if (entry.users === 0) await this.#drop(entry);
    }
  }

  async #drop(entry: Entry): Promise<void> {
    this.#entries.delete(entry.key);
    entry.doomed = true;
    if (entry.users === 0) await closeQuietly(entry);
  }
}

async function openIn(path: string, mode: OpenMode): Promise<number> {
  if (mode === 'read') return openFile(path, constants.O_RDONLY);
  const flags = constants.O_RDWR | constants.O_CREAT;
  try {
    return await openFile(path, flags, 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await makeFolder(dirname(path));
    return openFile(path, flags, 0o644);
  }
}

async function closeQuietly(entry: Entry): Promise<void> {
  if (entry.closed) return;
  entry.closed = true;
  await entry.fd.then(closeFile).catch(() => undefined);
}
