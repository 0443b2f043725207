import { statfs } from 'node:fs/promises';
import type { DiskFiles } from './disk-files.js';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';

/** Less than this is as good as nothing: a few blocks of a few downloads. In bytes. */
const LEAST_FREE = 16 << 20;
const LOOK_EVERY_MS = 1000;

/** Folders that an agent writes to, by what they are for. */
export type Folders = Readonly<Record<string, string>>;

/** How much room there is in the folders that an agent writes to: looked at now and then. */
export class DiskRoom implements Startable {
  /** Bytes that may still be written, by folder; absent where nobody can say. */
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

  /** In which folder there is no room, in a sentence; undefined if there is some in all. */
  get problem(): string | undefined {
    for (const [name, free] of this.free) {
      if (free < LEAST_FREE) return `${this.folders[name] ?? name} has only ${free} bytes left: make room`;
    }
    return undefined;
  }

  async #look(): Promise<void> {
    // A network file system that hangs is asked once, not again and again.
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

/** What may still be written in a folder. Undefined where the file system does not say, as some of FUSE. */
export async function roomIn(
  folder: string,
  files: DiskFiles,
): Promise<{ device: bigint; bytes: number; files: number } | undefined> {
  try {
    const [{ dev }, room] = await Promise.all([files.stat(folder, { bigint: true }), files.statfs(folder)]);
    if (room.blocks === 0) return undefined;
    // Without a fixed number of files it says 0 of 0.
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
