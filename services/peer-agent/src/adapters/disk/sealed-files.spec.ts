import { chmod, copyFile, link, open, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bytesOf, folderMetainfo } from '../../../test/support/content.js';
import { TestDiskPool } from '../../../test/support/disk-threads.js';
import { TestFolder } from '../../../test/support/folder.js';
import { FdCache } from './fd-cache.js';
import { FileStore } from './file-store.js';

const PIECE = 64 * 1024;
const files = { 'a.bin': bytesOf(3 * PIECE, 1), empty: Buffer.alloc(0), 'z.bin': bytesOf(1000, 2) };
const metainfo = folderMetainfo(files, PIECE, 'tree');
/** Of z.bin. */
const LAST = 3;
const CHANGED = { code: 'precondition', reason: 'CONTENT_CHANGED' };

const pool = new TestDiskPool(1);
let folder: TestFolder;
let fds: FdCache;
let store: FileStore;

beforeEach(async () => {
  folder = await TestFolder.make();
  for (const [name, data] of Object.entries(files)) await folder.write(`tree/${name}`, data);
  await utimes(path(), 1, 1);
  fds = new FdCache();
  store = new FileStore({ pool, fds }, { metainfo, path: folder.at('tree') });
});

afterEach(async () => {
  await fds.close();
  await folder.remove();
});

afterAll(() => pool.stop());

const path = (name = 'a.bin'): string => folder.at('tree', name);

async function read(piece: number): Promise<boolean> {
  const data = piece === LAST ? files['z.bin'] : files['a.bin'].subarray(piece * PIECE, (piece + 1) * PIECE);
  const into = Buffer.alloc(data.length);
  await store.read({ piece, begin: 0 }, into);
  return into.equals(data);
}

/** Changes one byte of the second piece of a.bin; keeps its size and modification time. */
async function changeIt(): Promise<void> {
  const file = await open(path(), 'r+');
  await file.write(Buffer.from([files['a.bin'][PIECE + 7]! ^ 1]), 0, 1, PIECE + 7);
  await file.close();
  await utimes(path(), 1, 1);
}

/** The same by replacing the file, as package managers and rsync do. */
async function replaceIt(data: Buffer = Buffer.alloc(3 * PIECE, 7)): Promise<void> {
  await folder.write('new', data);
  await utimes(folder.at('new'), 1, 1);
  await rename(folder.at('new'), path());
}

/** Changes of a file that leave its bytes intact. */
const harmless: [string, () => Promise<unknown>][] = [
  ['gets another mode', () => chmod(path(), 0o755)],
  ['gets a second hard link', () => link(path(), folder.at('backup'))],
  ['gets another time', () => utimes(path(), 5, 5)],
  ['is replaced by a copy of itself', () => replaceIt(files['a.bin'])],
  [
    'is removed and comes back',
    async () => {
      await copyFile(path(), folder.at('copy'));
      await rm(path());
      await rename(folder.at('copy'), path());
    },
  ],
];

describe('a sealed file', () => {
  it.each(harmless)('that %s is read as before, hashed, and sealed in its new state', async (_, change) => {
    const before = await store.seal();
    expect(await read(0)).toBe(true);
    await change();
    expect([await read(0), await read(1), await read(2), await read(LAST)]).toEqual([true, true, true, true]);
    expect(await store.fingerprint()).not.toBe(before);
    const after = await store.patrol();
    expect(after).toBe(await store.fingerprint());
    expect(await store.patrol()).toBeUndefined();
    await changeIt();
    await expect(read(1)).rejects.toMatchObject(CHANGED);
  });

  it.each([
    ['is written to', changeIt],
    ['is replaced', replaceIt],
  ])(
    'that %s is detected by a read and by the scrub, though size and time are unchanged',
    async (_, change) => {
      await store.seal();
      expect(await read(1)).toBe(true);
      await change();
      await expect(read(1)).rejects.toMatchObject({
        ...CHANGED,
        message: expect.stringContaining(path()) as never,
      });
      await expect(store.patrol()).rejects.toMatchObject(CHANGED);
      expect(await read(LAST)).toBe(true);
    },
  );

  it('serves no byte of a wrong piece, but those of the others', async () => {
    await store.seal();
    await changeIt();
    expect([await read(0), await read(2)]).toEqual([true, true]);
    await expect(read(1)).rejects.toMatchObject(CHANGED);
    await replaceIt(files['a.bin']);
    expect(await read(1)).toBe(true);
  });

  it('that is shorter or longer is detected without hashing', async () => {
    await store.seal();
    await truncate(path(), PIECE + 1);
    await expect(store.patrol()).rejects.toMatchObject(CHANGED);
    await writeFile(path(), Buffer.alloc(3 * PIECE + 1));
    await expect(store.patrol()).rejects.toMatchObject(CHANGED);
    await expect(read(0)).rejects.toMatchObject(CHANGED);
  });

  it('must be as it was when its fingerprint was taken, even if it changed before it was sealed', async () => {
    const before = await store.fingerprint();
    await changeIt();
    expect(await store.seal(before)).toBe(before);
    await expect(read(1)).rejects.toMatchObject(CHANGED);
    await expect(store.patrol()).rejects.toMatchObject(CHANGED);
    // Its earlier state is unknown: all of it is hashed before it is read.
    expect(await store.seal('another')).not.toBe(await store.fingerprint());
    await expect(read(1)).rejects.toMatchObject(CHANGED);
  });
});

describe('a fingerprint', () => {
  it.each([['is written to', changeIt] as [string, () => Promise<unknown>], ...harmless])(
    'changes when a file %s',
    async (_, change) => {
      const before = await store.fingerprint();
      expect(await store.fingerprint()).toBe(before);
      await change();
      expect(await store.fingerprint()).not.toBe(before);
    },
  );

  it('is the same through another path of the folder', async () => {
    const before = await store.fingerprint();
    await rename(folder.at('tree'), folder.at('moved'));
    store = new FileStore({ pool, fds }, { metainfo, path: folder.at('moved') });
    expect(await store.fingerprint()).toBe(before);
  });
});
