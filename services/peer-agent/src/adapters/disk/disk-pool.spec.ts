import { createHash } from 'node:crypto';
import { open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { subtreeRoot } from '@enjambre/core/merkle';
import { bytesOf } from '../../../test/support/content.js';
import { TestFolder } from '../../../test/support/folder.js';
import { DiskPool } from './disk-pool.js';

const LEAF = 16 * 1024;
const BLOCK = 4 * LEAF;

let folder: TestFolder;
let pool: DiskPool;

beforeEach(async () => {
  folder = await TestFolder.make();
  pool = new DiskPool(2);
});

afterEach(async () => {
  await pool.close();
  await folder.remove();
});

/** Memory of its own, as a block from the network has. */
function owned(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}

async function withFile<T>(name: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(folder.at(name), 'w+');
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}

describe('DiskPool', () => {
  it('writes a block where it belongs and says the root of its leaves', async () => {
    const data = bytesOf(BLOCK, 3);
    const root = await withFile('f', ({ fd }) => pool.write({ fd, position: 100, leaves: 4 }, owned(data)));
    expect(root).toEqual(subtreeRoot(data, 4));
    expect((await readFile(folder.at('f'))).subarray(100)).toEqual(data);
  });

  it('takes over memory that is one block, and leaves memory that others use alone', async () => {
    const whole = owned(bytesOf(BLOCK));
    const shared = owned(bytesOf(8 * BLOCK));
    const part = shared.subarray(BLOCK, 2 * BLOCK);
    const small = Buffer.from('a few bytes');
    await withFile('f', async ({ fd }) => {
      await pool.write({ fd, position: 0, leaves: 4 }, whole);
      await pool.write({ fd, position: 0, leaves: 4 }, part);
      await pool.write({ fd, position: 0, leaves: 1 }, small);
    });
    expect(whole.length).toBe(0); // Not copied: the thread has it now.
    expect(shared).toEqual(bytesOf(8 * BLOCK));
    expect(small.toString()).toBe('a few bytes');
  });

  it('hashes a run of pieces, the last one short', async () => {
    const data = bytesOf(2 * BLOCK + 5, 4);
    await folder.write('f', Buffer.concat([Buffer.alloc(77), data]));
    const job = { path: folder.at('f'), position: 77, length: data.length, pieceLength: BLOCK, leaves: 4 };
    const expected = [0, 1, 2].map((piece) =>
      subtreeRoot(data.subarray(piece * BLOCK, (piece + 1) * BLOCK), 4),
    );
    expect(await pool.hash(job)).toEqual(Buffer.concat(expected));
  });

  it('gives each of many jobs its own answer', async () => {
    const blocks = Array.from({ length: 120 }, (_, index) => bytesOf(LEAF, index + 1));
    await withFile('f', async ({ fd }) => {
      const roots = await Promise.all(
        blocks.map((block, index) => pool.write({ fd, position: index * LEAF, leaves: 1 }, owned(block))),
      );
      expect(roots).toEqual(blocks.map((block) => createHash('sha256').update(block).digest()));
    });
    const hashes = await Promise.all(
      blocks.map((_, index) =>
        pool.hash({
          path: folder.at('f'),
          position: index * LEAF,
          length: LEAF,
          pieceLength: LEAF,
          leaves: 1,
        }),
      ),
    );
    expect(hashes).toEqual(blocks.map((block) => createHash('sha256').update(block).digest()));
  });

  it('passes on the errors of the system by their names', async () => {
    const job = { position: 0, length: LEAF, pieceLength: LEAF, leaves: 1 };
    await expect(pool.hash({ ...job, path: folder.at('none') })).rejects.toMatchObject({ code: 'ENOENT' });
    await folder.write('f', 'short');
    await expect(pool.hash({ ...job, path: folder.at('f') })).rejects.toMatchObject({ code: 'SHORT_FILE' });
    const full = await open('/dev/full', 'r+');
    const writing = pool.write({ fd: full.fd, position: 0, leaves: 1 }, owned(bytesOf(LEAF)));
    await expect(writing).rejects.toMatchObject({ code: 'ENOSPC' });
    await full.close();
  });

  it('serves a file that shrinks between two jobs with an error, and the next one again', async () => {
    const path = await folder.write('f', bytesOf(2 * LEAF));
    const job = { path, position: 0, length: 2 * LEAF, pieceLength: 2 * LEAF, leaves: 2 };
    const before = await pool.hash(job);
    await truncate(path, LEAF);
    await expect(pool.hash(job)).rejects.toMatchObject({ code: 'SHORT_FILE' });
    await folder.write('f', bytesOf(2 * LEAF));
    expect(await pool.hash(job)).toEqual(before);
  });

  it('rejects what a dead thread owed, and does the next job on another', async () => {
    // A job that no code of ours sends: its memory cannot be had, and that ends the thread.
    const fatal = { path: folder.at('f'), position: 0, length: 2 ** 52, pieceLength: 1, leaves: 1 };
    await folder.write('f', bytesOf(LEAF));
    const good = { path: folder.at('f'), position: 0, length: LEAF, pieceLength: LEAF, leaves: 1 };
    await expect(pool.hash(fatal)).rejects.toThrow();
    expect(await pool.hash(good)).toHaveLength(32);
  });

  it('rejects what is under way when it is closed, and what comes after', async () => {
    await folder.write('f', bytesOf(64 * BLOCK));
    const job = { path: folder.at('f'), position: 0, length: 64 * BLOCK, pieceLength: BLOCK, leaves: 4 };
    const jobs = Array.from({ length: 8 }, () => pool.hash(job));
    const outcomes = Promise.allSettled(jobs);
    await pool.close();
    expect((await outcomes).some(({ status }) => status === 'rejected')).toBe(true);
    await expect(pool.hash(job)).rejects.toThrow('stopped');
  });
});
