import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Turns } from '@enjambre/common/async/turns';
import type { Metainfo } from '@enjambre/core/metainfo';
import { bytesOf } from '../../../test/support/content.js';
import { TestDiskPool } from '../../../test/support/disk-threads.js';
import { TestFolder } from '../../../test/support/folder.js';
import { DiskContentHasher } from './content-hasher.js';
import type { DiskPool } from './disk-pool.js';
import { PrivateFolders } from './private-folders.js';

interface Vector {
  readonly name: string;
  readonly piece_length: number;
  readonly files_in: readonly { path: string; length: number; seed: number }[];
  readonly infohash_v2: string;
  readonly metainfo_base64: string;
}

const vectorFile = new URL('../../../../../libs/core/test/vectors/bep52.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(vectorFile, 'utf8')) as { vectors: Vector[] };

/** The generator prescribed by the file of vectors: it repeats every 251 bytes. */
function generate(length: number, seed: number): Buffer {
  const period = Buffer.from(Array.from({ length: 251 }, (_, i) => (i * i + 31 * i + seed) % 251));
  return Buffer.alloc(length, period);
}

const KIB = 1024;
const PIECE = 16 * KIB;
const pool = new TestDiskPool(2);
const privates = new PrivateFolders({ dataDir: '/nowhere/data', downloadDir: '/nowhere/downloads' });
const hasher = new DiskContentHasher(pool, privates);
let folder: TestFolder;

beforeEach(async () => {
  folder = await TestFolder.make();
});

afterEach(() => folder.remove());
afterAll(() => pool.stop());

async function hash(path: string, pieceLength = PIECE, by = hasher): Promise<Metainfo> {
  const content = await by.scan(path);
  const name = path.slice(path.lastIndexOf('/') + 1);
  const { signal } = new AbortController();
  return by.hash(content, { name, pieceLength, signal, progress: () => undefined });
}

/** Calls `change` as soon as the first pieces were read. */
class InterruptedPool extends TestDiskPool {
  #change: (() => Promise<void>) | undefined;

  constructor(change: () => Promise<void>) {
    super(1);
    this.#change = change;
  }

  override async hash(job: Parameters<DiskPool['hash']>[0]): Promise<Buffer> {
    const hashes = await super.hash(job);
    const change = this.#change;
    this.#change = undefined;
    await change?.();
    return hashes;
  }
}

describe('DiskContentHasher', () => {
  it('builds the metainfo in steps, since there may be very many files', async () => {
    await folder.write('content/a', bytesOf(40 * KIB));
    await folder.write('content/b', 'b');
    const run = jest.spyOn(Turns.prototype, 'run');
    try {
      const metainfo = await hash(folder.at('content'));
      expect(await Promise.all(run.mock.results.map(({ value }) => value))).toContain(metainfo);
    } finally {
      run.mockRestore();
    }
  });

  it.each(vectors)('produces the same bytes as libtorrent for $name', async (vector) => {
    for (const { path, length, seed } of vector.files_in) {
      await folder.write(path === '' ? vector.name : `${vector.name}/${path}`, generate(length, seed));
    }
    const metainfo = await hash(folder.at(vector.name), vector.piece_length);
    expect(metainfo.infohash).toBe(vector.infohash_v2);
    expect(metainfo.bytes.toString('base64')).toBe(vector.metainfo_base64);
  });

  it('reports the bytes read, up to all of them', async () => {
    await folder.write('content/a', bytesOf(20 * KIB));
    await folder.write('content/b', bytesOf(9 << 20));
    const content = await hasher.scan(folder.at('content'));
    const told: number[] = [];
    const { signal } = new AbortController();
    const progress = (bytes: number): number => told.push(bytes);
    await hasher.hash(content, { name: 'content', pieceLength: PIECE, signal, progress });
    expect(content.totalLength).toBe(20 * KIB + (9 << 20));
    expect(told.reduce((sum, bytes) => sum + bytes, 0)).toBe(content.totalLength);
    expect(Math.max(...told)).toBeLessThanOrEqual(8 << 20);
  });

  it('leaves out links and sockets in a folder, but follows the path itself', async () => {
    await folder.write('content/a', 'a');
    await folder.write('elsewhere', 'secret');
    await symlink(folder.at('elsewhere'), folder.at('content/link'));
    await symlink(folder.at('content'), folder.at('content/loop'));
    await symlink('/nowhere', folder.at('content/dangling'));
    await symlink(folder.at('content'), folder.at('given'));
    await mkdir(folder.at('content/empty/inner'), { recursive: true });
    const { files, leftOut } = await hasher.scan(folder.at('given'));
    expect(files.map(({ path }) => path)).toEqual([['a']]);
    expect(leftOut).toMatchObject({ links: 3, emptyFolders: 1, others: 0 });
  });

  it('includes an empty file among others', async () => {
    await folder.write('content/a', 'a');
    await folder.write('content/none', '');
    const { files } = await hash(folder.at('content'));
    expect(files.map(({ path, length }) => [path.join('/'), length])).toEqual([
      ['a', 1],
      ['none', 0],
    ]);
  });

  it('refuses a missing path', async () => {
    await expect(hasher.scan(folder.at('none'))).rejects.toMatchObject({
      code: 'not-found',
      reason: 'PATH_NOT_FOUND',
      message: `${folder.at('none')} does not exist: check the path`,
    });
  });

  it('refuses empty content: a file, a folder, a folder of empty files and folders', async () => {
    await folder.write('file', '');
    await mkdir(folder.at('folder'));
    await folder.write('folders/deep/empty', '');
    await expect(hasher.scan(folder.at('file'))).rejects.toMatchObject({
      code: 'invalid',
      reason: 'EMPTY_FILE',
    });
    for (const name of ['folder', 'folders']) {
      await expect(hasher.scan(folder.at(name))).rejects.toMatchObject({
        code: 'invalid',
        reason: 'EMPTY_FOLDER',
      });
    }
  });

  it('refuses anything but files and folders', async () => {
    await expect(hasher.scan('/dev/null')).rejects.toMatchObject({ code: 'invalid', reason: 'NOT_A_FILE' });
  });

  it.each([
    ['a control character', 'bell\u0007'],
    ['a mark that reorders text', 'gpj.\u202eexe'],
    ['a backslash', 'a\\b'],
  ])('refuses a name with %s anywhere in the content', async (_, name) => {
    await folder.write(`inside/${name}`, 'x');
    await folder.write(`outside/${name}/deep`, 'x');
    for (const path of ['inside', 'outside']) {
      await expect(hasher.scan(folder.at(path))).rejects.toMatchObject({
        code: 'invalid',
        reason: 'UNSUPPORTED_NAMES',
      });
    }
  });

  it('refuses a name that is not UTF-8 instead of sharing it under another name', async () => {
    await mkdir(folder.at('content'));
    await writeFile(
      Buffer.concat([Buffer.from(folder.at('content/')), Buffer.from([0x66, 0xff, 0xfe])]),
      'x',
    );
    await expect(hasher.scan(folder.at('content'))).rejects.toMatchObject({
      code: 'invalid',
      reason: 'UNSUPPORTED_NAMES',
      message: expect.stringContaining(
        `${folder.at('content')}/f\\xff\\xfe is not UTF-8`,
      ) as unknown as string,
    });
  });

  it('accepts two names that are one on other systems', async () => {
    await folder.write('content/README', 'x');
    await folder.write('content/readme', 'y');
    const { files } = await hash(folder.at('content'));
    expect(files.map(({ path }) => path[0])).toEqual(['README', 'readme']);
  });

  it.each([
    ['grows', (path: string) => writeFile(path, 'more', { flag: 'a' })],
    ['shrinks', (path: string) => truncate(path, 9 << 20)],
    ['is written to', (path: string) => utimes(path, new Date(), new Date(Date.now() + 5000))],
  ])('refuses a file that %s while it is read', async (_, change) => {
    const path = await folder.write('file', bytesOf(10 << 20));
    const interrupted = new InterruptedPool(() => change(path));
    await expect(hash(path, PIECE, new DiskContentHasher(interrupted, privates))).rejects.toMatchObject({
      code: 'precondition',
      reason: 'CHANGED_WHILE_READ',
      message: `${path} changed while it was read: share it when it is finished`,
    });
    await interrupted.stop();
  });

  it('refuses a file whose size has changed since the scan', async () => {
    const path = await folder.write('file', bytesOf(40 * KIB));
    const content = await hasher.scan(path);
    const options = {
      name: 'file',
      pieceLength: PIECE,
      signal: new AbortController().signal,
      progress: () => undefined,
    };
    for (const length of [50 * KIB, 30 * KIB]) {
      await folder.write('file', bytesOf(length));
      await expect(hasher.hash(content, options)).rejects.toMatchObject({ reason: 'CHANGED_WHILE_READ' });
    }
  });

  it.each(['a', 'b', 'empty'])('refuses a folder in which %s changes after it was hashed', async (name) => {
    const bytes = (letter: string): Buffer => Buffer.alloc(letter === 'empty' ? 0 : 10 << 20, letter);
    for (const each of ['a', 'b', 'empty']) await folder.write(`content/${each}`, bytes(each));
    const content = await hasher.scan(folder.at('content'));
    const path = folder.at('content', name);
    const { atime, mtime } = await stat(path);
    let left = content.totalLength;
    const progress = (read: number): void => {
      left -= read;
      // Everything is read: other bytes with the same length and time.
      if (left > 0) return;
      writeFileSync(path, bytes(name));
      utimesSync(path, atime, mtime);
    };
    const { signal } = new AbortController();
    await expect(
      hasher.hash(content, { name: 'content', pieceLength: PIECE, signal, progress }),
    ).rejects.toMatchObject({
      reason: 'CHANGED_WHILE_READ',
      message: expect.stringContaining(path) as never,
    });
  });

  it('stops soon when it is aborted', async () => {
    const path = await folder.write('file', bytesOf(40 << 20));
    const abort = new AbortController();
    const read: number[] = [];
    const content = await hasher.scan(path);
    const progress = (bytes: number): void => {
      read.push(bytes);
      abort.abort();
    };
    const hashing = hasher.hash(content, {
      name: 'file',
      pieceLength: PIECE,
      signal: abort.signal,
      progress,
    });
    await expect(hashing).rejects.toMatchObject({ code: 'cancelled' });
    expect(read.length).toBeLessThan(5);
  });
});
