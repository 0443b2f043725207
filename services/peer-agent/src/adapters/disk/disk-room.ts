import { statfs } from 'node:fs/promises';
import type { DiskFiles } from './disk-files.js';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';

/** Threshold for a full disk: a few blocks of a few downloads. In bytes. */
const LEAST_FREE = 16 << 20;
const LOOK_EVERY_MS = 1000;

/** Folders that an agent writes to, by purpose. */
export type Folders = Readonly<Record<string, string>>;

/** Free space in the folders that an agent writes to, checked periodically. */
export class DiskRoom implements Startable {
  /** Free bytes by folder; absent if unknown. */
  readonly free = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(private readonly folders: Folders) {}

  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), LOOK_EVERY_MS);
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    return Promise.resolve();
  }

  /** A sentence on the folder without room; undefined if all have some. */
  get problem(): string | undefined {
    for (const [name, free] of this.free) {
      if (free < LEAST_FREE) return `${this.folders[name] ?? name} has only ${free} bytes left: make room`;
    }
    return undefined;
  }

  async #look(): Promise<void> {
    // A hanging network file system is queried only once.
    if (this.#looking) return;
    this.#looking = true;
    for (const [name, folder] of Object.entries(this.folders)) {
      const free = await freeOf(folder);
      if (free === undefined) this.free.delete(name);
      else this.free.set(name, free);
    }
    this.#looking = false;
  }
}

/** Free space of a folder. Undefined if the file system does not report it, as some FUSE file systems. */
export async function roomIn(
  folder: string,
  files: DiskFiles,
): Promise<{ device: bigint; bytes: number; files: number } | undefined> {
  try {
    const [{ dev }, room] = await Promise.all([files.stat(folder, { bigint: true }), files.statfs(folder)]);
    if (room.blocks === 0) return undefined;
    // File systems without a fixed number of files report 0 of 0.
    const left = room.files === 0 ? Infinity : room.ffree;
    return { device: dev, bytes: room.bavail * room.bsize, files: left };
  } catch {
    return undefined;
  }
}

async function freeOf(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
