import { createReadStream } from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, readFile, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { hashFile, writeRandomFile } from '@enjambre/harness/content';
import { EnjambreError } from '@enjambre/core/error';
import { ManagedProcess } from '@enjambre/harness/managed-process';
import type { Cleanup } from './cleanup.js';
import { makeTorrent } from './teams/libtorrent.js';

const MIB = 1 << 20;
/** What is distributed in a benchmark, and where. */
export interface Content {
  /** A folder for everything. */
  readonly root: string;
  readonly bytes: number;
  /** A file, or a folder of files. */
  readonly source: string;
  /** A v1 torrent of it. */
  readonly torrent: string;
  /** See {@link digestOf}. */
  readonly sha256: string;
}

/** Makes a folder below `parent` that `after` removes. Throws if there is no room for `roomBytes`. */
export async function makeRoot(parent: string, roomBytes: number, after: Cleanup): Promise<string> {
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < roomBytes) {
    const [free, needed] = [Math.floor((bavail * bsize) / MIB), Math.ceil(roomBytes / MIB)];
    throw new EnjambreError(
      'precondition',
      'NO_ROOM',
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
  await makeTorrent(source, bytes, torrent);
  return { root, bytes, source, torrent, sha256 };
}

/** Makes a folder of so many files of random bytes, and its torrent, in `root`. */
export async function makeFolderContent(root: string, files: number, bytesEach: number): Promise<Content> {
  const source = join(root, 'source', 'many');
  const torrent = join(root, 'many.torrent');
  await mkdir(source, { recursive: true });
  for (let file = 0; file < files; file++)
    await writeFile(join(source, `${String(file).padStart(6, '0')}.bin`), randomBytes(bytesEach));
  const bytes = files * bytesEach;
  await makeTorrent(source, bytes, torrent);
  return { root, bytes, source, torrent, sha256: await digestOf(source) };
}

/** SHA-256 of a file, or of the names and bytes of all files that lie in a folder. */
async function digestOf(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return hashFile(path);
  const hash = createHash('sha256');
  for (const name of (await readdir(path)).sort()) hash.update(name).update(await readFile(join(path, name)));
  return hash.digest('hex');
}

/** The same start for all: the source is in the page cache, nothing waits to be written. */
export async function prepare({ source, root }: Content): Promise<void> {
  await readAll(source);
  const sync = new ManagedProcess('sync', ['-f', root]);
  if ((await sync.wait()) !== 0) throw new Error(`sync failed: ${sync.stderr.join('\n')}`);
}

async function readAll(path: string): Promise<void> {
  if (!(await stat(path)).isDirectory())
    return finished(createReadStream(path, { highWaterMark: MIB }).resume());
  for (const name of await readdir(path)) await readFile(join(path, name));
}

/** Times what is to be filled: a little more than that. */
export const WARM = 1.25;

/**
 * Has the host of a virtual machine give it so many bytes of memory: what downloads are to fill. Pages that were never used, or that the
 * machine has given back, cost whoever touches them first more than the download itself (docs/performance.md).
 */
export async function warmMemory(root: string, bytes: number): Promise<void> {
  const path = join(root, 'warm');
  const file = await open(path, 'w');
  try {
    const zeros = Buffer.alloc(MIB);
    for (let written = 0; written < bytes; written += MIB) await file.write(zeros);
  } finally {
    await file.close();
    await rm(path);
  }
}

/** Throws if a download is not what was offered. */
export async function needSame(path: string, { sha256 }: Content): Promise<void> {
  if ((await digestOf(path)) !== sha256) throw new Error(`${path} is not what was offered`);
}
