import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { write } from 'node:fs';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FdCache, type OpenMode } from './fd-cache.js';
import { PartFiles } from './part-files.js';

const FILES = 40;
const writeFd = promisify(write);

/** Records which files are synced, and how many concurrently. */
class NotedFds extends FdCache {
  paths: string[] = [];
  most = 0;
  #now = 0;

  override async with<T>(path: string, mode: OpenMode, use: (fd: number) => Promise<T>): Promise<T> {
    this.paths.push(path);
    this.most = Math.max(this.most, (this.#now += 1));
    try {
      return await super.with(path, mode, use);
    } finally {
      this.#now -= 1;
    }
  }
}

let root: string;
let fds: NotedFds;
let parts: PartFiles;
const pathOf = (file: number): string => join(root, `${file}`);
const all = Array.from({ length: FILES }, (_, file) => file);

/** Returns the files that were synced. */
async function flushed(): Promise<number[]> {
  fds.paths = [];
  await parts.flush().catch(() => undefined);
  return fds.paths.map((path) => all.findIndex((file) => pathOf(file) === path)).sort((a, b) => a - b);
}

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'parts-'));
  fds = new NotedFds();
  parts = new PartFiles({ fds }, { lengths: all.map(() => 5), selection: { has: () => true }, pathOf });
  for (const file of all) await parts.write(file, (fd) => writeFd(fd, 'hello', 0));
});

afterEach(async () => {
  await fds.close();
  await rm(root, { recursive: true });
});

describe('the files that a download is written to', () => {
  it('are synced once each, several at a time but never all', async () => {
    expect(fds.most).toBe(1);
    expect(await flushed()).toEqual(all);
    expect(fds.most).toBeGreaterThan(1);
    expect(fds.most).toBeLessThan(FILES);
    expect(await flushed()).toEqual([]);
  });

  it('are synced again if a write ends after the sync that was in progress', async () => {
    await flushed();
    let end: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (end = resolve));
    let writing: Promise<unknown> | undefined;
    await new Promise<void>((began) => {
      writing = parts.write(3, async (fd) => {
        began();
        await held;
        return writeFd(fd, 'HELLO', 0);
      });
    });
    expect(await flushed()).toEqual([3]);
    end();
    await writing;
    expect(await flushed()).toEqual([3]);
    expect(await flushed()).toEqual([]);
  });

  it('are synced again starting with the one that failed', async () => {
    await rename(pathOf(20), join(root, 'elsewhere'));
    await expect(parts.flush()).rejects.toMatchObject({ reason: 'FILE_MISSING' });
    await rename(join(root, 'elsewhere'), pathOf(20));
    const again = await flushed();
    expect(again).toContain(20);
    expect(again).toContain(FILES - 1);
    expect(again).not.toContain(0);
    expect(await flushed()).toEqual([]);
  });

  it('are in doubt while one of them has failed to sync, and for no other reason', async () => {
    await rename(pathOf(0), join(root, 'elsewhere'));
    await flushed();
    const rest = await flushed();
    expect(rest).toContain(0);
    await expect(parts.flush()).rejects.toMatchObject({ reason: 'FILE_MISSING' });
  });
});
