import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { subtreeRoot } from '@enjambre/core/merkle';
import { bytesOf } from '../../../test/support/content.js';
import { TestDiskPool } from '../../../test/support/disk-threads.js';
import { TestFolder } from '../../../test/support/folder.js';
import type { DiskPool } from './disk-pool.js';

const LEAF = 16 * 1024;
const BLOCK = 4 * LEAF;

let folder: TestFolder;
let pool: DiskPool;

beforeEach(async () => {
  folder = await TestFolder.make();
  pool = new TestDiskPool(2);
});

afterEach(async () => {
  await pool.stop();
  await folder.remove();
});

/** Memory of its own, like that of a block from the network. */
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
  it('writes a block at its position and returns the root of its leaves', async () => {
    const data = bytesOf(BLOCK, 3);
    const root = await withFile('f', ({ fd }) =>
      pool.write({ fd, fileLength: 0, position: 100, leaves: 4 }, owned(data)),
    );
    expect(root).toEqual(subtreeRoot(data, 4));
    expect((await readFile(folder.at('f'))).subarray(100).equals(data)).toBe(true);
  });

  it('refuses a block whose memory was already transferred, and continues', async () => {
    const data = owned(bytesOf(BLOCK));
    await withFile('f', async ({ fd }) => {
      const job = { fd, fileLength: 0, position: 0, leaves: 4 };
      await pool.write(job, data);
      await expect(pool.write(job, data)).rejects.toThrow(TypeError);
      // Transferring a part of a buffer transfers all of it.
      const whole = owned(bytesOf(BLOCK));
      const same = Buffer.from(whole.buffer);
      await Promise.allSettled([pool.write(job, whole), pool.write(job, same)]);
      expect(pool.load).toMatchObject({ jobs: 0, bytes: 0 });
      expect(await pool.write(job, owned(bytesOf(BLOCK, 2)))).toEqual(subtreeRoot(bytesOf(BLOCK, 2), 4));
    });
  });

  it('takes over memory with a single block, and does not touch shared memory', async () => {
    const whole = owned(bytesOf(BLOCK));
    const shared = owned(bytesOf(8 * BLOCK));
    const part = shared.subarray(BLOCK, 2 * BLOCK);
    const small = Buffer.from('a few bytes');
    await withFile('f', async ({ fd }) => {
      await pool.write({ fd, fileLength: 0, position: 0, leaves: 4 }, whole);
      await pool.write({ fd, fileLength: 0, position: 0, leaves: 4 }, part);
      await pool.write({ fd, fileLength: 0, position: 0, leaves: 1 }, small);
    });
    expect(whole.length).toBe(0); // Not copied: the thread owns it now.
    expect(shared.equals(bytesOf(8 * BLOCK))).toBe(true);
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
    const data = bytesOf(120 * LEAF); // No two leaves are equal.
    const leaves = Array.from({ length: 120 }, (_, leaf) => data.subarray(leaf * LEAF, (leaf + 1) * LEAF));
    const expected = Buffer.concat(leaves.map((leaf) => createHash('sha256').update(leaf).digest()));
    await withFile('f', async ({ fd }) => {
      const roots = leaves.map((leaf, index) =>
        pool.write({ fd, fileLength: 0, position: index * LEAF, leaves: 1 }, owned(leaf)),
      );
      expect(Buffer.concat(await Promise.all(roots)).equals(expected)).toBe(true);
    });
    const job = { path: folder.at('f'), length: LEAF, pieceLength: LEAF, leaves: 1 };
    const hashes = leaves.map((_, index) => pool.hash({ ...job, position: index * LEAF }));
    expect(Buffer.concat(await Promise.all(hashes)).equals(expected)).toBe(true);
  });

  it('passes system errors through by name', async () => {
    const job = { position: 0, length: LEAF, pieceLength: LEAF, leaves: 1 };
    await expect(pool.hash({ ...job, path: folder.at('none') })).rejects.toMatchObject({ code: 'ENOENT' });
    await folder.write('f', 'short');
    await expect(pool.hash({ ...job, path: folder.at('f') })).rejects.toMatchObject({ code: 'SHORT_FILE' });
    const full = await open('/dev/full', 'r+');
    const writing = pool.write({ fd: full.fd, fileLength: 0, position: 0, leaves: 1 }, owned(bytesOf(LEAF)));
    await expect(writing).rejects.toMatchObject({ code: 'ENOSPC' });
    await full.close();
  });

  it('reports an error for a file that shrinks between two jobs, and serves the next job', async () => {
    const path = await folder.write('f', bytesOf(2 * LEAF));
    const job = { path, position: 0, length: 2 * LEAF, pieceLength: 2 * LEAF, leaves: 2 };
    const before = await pool.hash(job);
    await truncate(path, LEAF);
    await expect(pool.hash(job)).rejects.toMatchObject({ code: 'SHORT_FILE' });
    await folder.write('f', bytesOf(2 * LEAF));
    expect(await pool.hash(job)).toEqual(before);
  });

  it('rejects the jobs of a dead thread, and runs the next job on another', async () => {
    const path = await folder.write('f', bytesOf(64 * BLOCK));
    const threads: Worker[] = [];
    const onThread = (message: unknown): void => {
      threads.push((message as { worker: Worker }).worker);
    };
    subscribe('worker_threads', onThread);
    const job = { path, position: 0, length: 64 * BLOCK, pieceLength: BLOCK, leaves: 4 };
    const owed = Promise.allSettled([pool.hash(job), pool.hash(job)]);
    unsubscribe('worker_threads', onThread);
    expect(threads).toHaveLength(2);
    await Promise.all(threads.map((thread) => thread.terminate()));
    const lost = { status: 'rejected', reason: { code: 'THREAD_LOST' } };
    expect(await owed).toMatchObject([lost, lost]);
    expect(await pool.hash({ ...job, length: BLOCK })).toHaveLength(32);
  });

  it('rejects running and later jobs when it is closed', async () => {
    await folder.write('f', bytesOf(64 * BLOCK));
    const job = { path: folder.at('f'), position: 0, length: 64 * BLOCK, pieceLength: BLOCK, leaves: 4 };
    const jobs = Array.from({ length: 8 }, () => pool.hash(job));
    const outcomes = Promise.allSettled(jobs);
    await pool.stop();
    expect((await outcomes).some(({ status }) => status === 'rejected')).toBe(true);
    await expect(pool.hash(job)).rejects.toThrow('stopped');
  });
});
