import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { hashFile, writeRandomFile } from '@enjambre/common/testing/content';
import { ManagedProcess } from '@enjambre/common/testing/managed-process';
import type { Cleanup } from './cleanup.js';
import { makeTorrent } from './teams/libtorrent.js';

const MIB = 1 << 20;
/** Times the file's size: a little more than what a download fills. */
const WARM = 1.25;

/** What is distributed in a benchmark, and where. */
export interface Content {
  /** A folder for everything. */
  readonly root: string;
  readonly bytes: number;
  readonly source: string;
  /** A v1 torrent of it. */
  readonly torrent: string;
  readonly sha256: string;
}

/** Makes a folder below `parent` that `after` removes. Throws if there is no room for `roomBytes`. */
export async function makeRoot(parent: string, roomBytes: number, after: Cleanup): Promise<string> {
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < roomBytes) {
    const [free, needed] = [Math.floor((bavail * bsize) / MIB), Math.ceil(roomBytes / MIB)];
    throw new Error(
      `${parent} has ${free} MiB left, ${needed} MiB are needed: make room, or choose less or elsewhere`,
    );
  }
  const root = await mkdtemp(join(parent, 'enjambre-bench-'));
  after.defer(() => rm(root, { recursive: true, force: true }));
  return root;
}

/** Makes a file of random bytes and its torrent in `root`. */
export async function makeContent(root: string, bytes: number): Promise<Content> {
  const source = join(root, 'source', 'model.bin');
  const torrent = join(root, 'model.torrent');
  const sha256 = await writeRandomFile(source, bytes);
  await makeTorrent(source, torrent);
  return { root, bytes, source, torrent, sha256 };
}

/** The same start for all: the source is in the page cache, nothing waits to be written. */
export async function prepare({ source, root }: Content): Promise<void> {
  await finished(createReadStream(source, { highWaterMark: MIB }).resume());
  const sync = new ManagedProcess('sync', ['-f', root]);
  if ((await sync.wait()) !== 0) throw new Error(`sync failed: ${sync.stderr.join('\n')}`);
}

/**
 * Has the host of a virtual machine give it the memory that a download of the file fills: pages that were never used, or that the
 * machine has given back, cost whoever touches them first more than the download itself (docs/performance.md).
 */
export async function warmMemory(root: string, bytes: number): Promise<void> {
  const path = join(root, 'warm');
  const file = await open(path, 'w');
  try {
    const zeros = Buffer.alloc(MIB);
    for (let written = 0; written < bytes * WARM; written += MIB) await file.write(zeros);
  } finally {
    await file.close();
    await rm(path);
  }
}

/** Throws if a download is not what was offered. */
export async function needSame(path: string, { sha256 }: Content): Promise<void> {
  if ((await hashFile(path)) !== sha256) throw new Error(`${path} is not the file that was offered`);
}
