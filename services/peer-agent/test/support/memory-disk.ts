import { dirname, join } from 'node:path';

export interface MemoryFile {
  readonly kind: 'file';
  /** Different for each file, whatever its path. */
  readonly id: number;
  bytes: Buffer;
  /** Ranges that were written; the rest are holes. */
  written: number;
  /** Increased with each change. */
  version: number;
}

interface MemoryFolder {
  readonly kind: 'folder';
  readonly id: number;
}

/** Files and folders in memory, by absolute path. Any holder may change all of them, as on a real disk. */
export class MemoryDisk {
  readonly #entries = new Map<string, MemoryFile | MemoryFolder>();
  #lastId = 0;

  at(path: string): MemoryFile | MemoryFolder | undefined {
    return this.#entries.get(path);
  }

  fileAt(path: string): MemoryFile | undefined {
    const entry = this.at(path);
    return entry?.kind === 'file' ? entry : undefined;
  }

  /** Creates a file and its parent folders. */
  put(path: string, bytes: Buffer, written = bytes.length): MemoryFile {
    this.makeFolder(dirname(path));
    const file = { kind: 'file', id: ++this.#lastId, bytes, written, version: 0 } as const;
    this.#entries.set(path, file);
    return file;
  }

  makeFolder(path: string): void {
    if (this.at(path)) return;
    if (dirname(path) !== path) this.makeFolder(dirname(path));
    this.#entries.set(path, { kind: 'folder', id: ++this.#lastId });
  }

  /** Removes the entry at a path, and everything below it. */
  remove(path: string): void {
    for (const name of [path, ...this.below(path)]) this.#entries.delete(name);
  }

  move(from: string, to: string): void {
    this.makeFolder(dirname(to));
    for (const name of [from, ...this.below(from)]) {
      const entry = this.at(name);
      this.#entries.delete(name);
      if (entry) this.#entries.set(to + name.slice(from.length), entry);
    }
  }

  /** Paths of all entries in a folder, at any depth. */
  below(folder: string): string[] {
    return [...this.#entries.keys()].filter((path) => path.startsWith(join(folder, '/')));
  }
}

/** Writes into a file in place. */
export function overwrite(file: MemoryFile, offset: number, bytes: Uint8Array): void {
  file.bytes.set(bytes, offset);
  file.written = Math.min(file.bytes.length, file.written + bytes.length);
  file.version += 1;
}

/** Truncates a file, or extends it with a hole. */
export function resize(file: MemoryFile, length: number): void {
  if (file.bytes.length === length) return;
  file.bytes = Buffer.concat([file.bytes.subarray(0, length)], length);
  file.written = Math.min(file.written, length);
  file.version += 1;
}
