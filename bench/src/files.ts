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
/** Content of a benchmark, and its location. */
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

/** Creates a folder below `parent` that `after` removes. Throws if less than `roomBytes` are free. */
export async function makeRoot(parent: string, roomBytes: number, after: Cleanup): Promise<string> {
  const { bavail, bsize } = await statfs(parent);
  if (bavail * bsize < roomBytes) {
    const [free, needed] = [Math.floor((bavail * bsize) / MIB), Math.ceil(roomBytes / MIB)];
    throw new EnjambreError(
      'precondition',
      'NO_ROOM',
      `${parent} has ${free} MiB free, but ${needed} MiB are needed: free some space, or choose a smaller size or another folder`,
    );
  }
  const root = await mkdtemp(join(parent, 'enjambre-bench-'));
  after.defer(() => rm(root, { recursive: true, force: true }));
  return root;
}

/** Creates a file of random bytes and its torrent in `root`. */
export async function makeContent(root: string, bytes: number): Promise<Content> {
  const source = join(root, 'source', 'model.bin');
  const torrent = join(root, 'model.torrent');
  const sha256 = await writeRandomFile(source, bytes);
  await makeTorrent(source, bytes, torrent);
  return { root, bytes, source, torrent, sha256 };
}

/** Creates a folder of `files` files of random bytes, and its torrent, in `root`. */
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

/** SHA-256 of a file, or of the names and bytes of all files in a folder. */
async function digestOf(path: string): Promise<string> {
  if (!(await stat(path)).isDirectory()) return hashFile(path);
  const hash = createHash('sha256');
  for (const name of (await readdir(path)).sort()) hash.update(name).update(await readFile(join(path, name)));
  return hash.digest('hex');
}

/** Equal start for all programs: the source is in the page cache, no writes are pending. */
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

/** Factor on the bytes that a download fills, as a margin. */
export const WARM = 1.25;

/**
 * Touches as much memory as the downloads will fill, so that the host of a virtual machine provides it. The first
 * use of pages that were never used, or were returned to the host, costs more than the download itself
 * (docs/performance.md).
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

/** Throws if a download differs from the original. */
export async function needSame(path: string, { sha256 }: Content): Promise<void> {
  if ((await digestOf(path)) !== sha256) throw new Error(`${path} differs from the original`);
}
