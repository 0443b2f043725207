import {
  link,
  mkdir,
  open,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PieceLayout } from '@enjambre/core/layout';
import { pieceStoreContract } from '../../../test/store/contract.js';
import { DiskSite } from '../../../test/store/disk-site.js';
import {
  BLOCK,
  blockOf,
  download,
  PIECE,
  single,
  tiny,
  tree,
  type Sample,
} from '../../../test/store/samples.js';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { TestDiskPool } from '../../../test/support/disk-threads.js';
import { TestFolder } from '../../../test/support/folder.js';
import type { PieceStore } from '../../app/ports/piece-store.js';
import { ALL_OF_IT } from '../../app/transfer/removal.js';
import type { DiskPool } from './disk-pool.js';
import { FdCache, type OpenMode } from './fd-cache.js';
import { FileStore } from './file-store.js';
import { PrivateFolders } from './private-folders.js';
import { FileStoreFactory } from './store-factory.js';

const pool = new TestDiskPool(2);
const OWNER = 'a'.repeat(64);

let folder: TestFolder;
let fds: FdCache;
let stores: FileStoreFactory;

beforeEach(async () => {
  folder = await TestFolder.make();
  fds = new FdCache(3);
  stores = new FileStoreFactory({ pool, fds, privates: privatesOf(folder) }, OWNER);
});

afterEach(async () => {
  await fds.close();
  await folder.remove();
});

afterAll(() => pool.stop());

/** True if the content of `sample` is at `path`, byte for byte. */
async function isAt(path: string, { metainfo, files }: Sample): Promise<boolean> {
  const same = Object.entries(files).map(async ([name, data]) =>
    data.equals(await readFile(metainfo.isFolder ? `${path}/${name}` : path)),
  );
  return (await Promise.all(same)).every(Boolean);
}

describe('on a disk', () => {
  pieceStoreContract(() => DiskSite.make(pool));
});

describe('FileStore', () => {
  it('keeps two downloads of the same name side by side until one is published', async () => {
    const [first, second] = [
      single(),
      { ...single(), metainfo: metainfoOf(bytesOf(PIECE, 9), PIECE, 'big.bin') },
    ];
    const one = stores.download(first.metainfo, folder.path, false);
    const other = stores.download(second.metainfo, folder.path, false);
    await other.write(0, 0, bytesOf(BLOCK, 9));
    await download(one, first);
    await one.publish();
    const taken = { code: 'already-exists', reason: 'PATH_EXISTS' };
    expect(await other.publish()).toMatchObject({ isTaken: true, error: taken });
    expect(await isAt(one.path, first)).toBe(true);
    const bytes = Buffer.alloc(10);
    await other.read({ piece: 0, begin: 0 }, bytes);
    expect(bytes).toEqual(bytesOf(10, 9));
  });

  it.each(['file', 'folder', 'dangling link'])(
    'does not publish over a %s of the same name',
    async (kind) => {
      const sample = single();
      const store = stores.download(sample.metainfo, folder.path, false);
      await download(store, sample);
      const target = folder.at('big.bin');
      if (kind === 'file') await writeFile(target, 'precious');
      else if (kind === 'folder') await mkdir(target);
      else await symlink('/nowhere/at/all', target);
      const message = expect.stringContaining(target) as unknown as string;
      expect(await store.publish()).toMatchObject({
        isTaken: true,
        error: { reason: 'PATH_EXISTS', message },
      });
      if (kind === 'file') expect(await readFile(target, 'utf8')).toBe('precious');
      await rm(target, { recursive: true });
      await store.publish();
      expect(await isAt(target, sample)).toBe(true);
    },
  );

  it('leaves other downloads in the same folder alone when it publishes or deletes', async () => {
    const [first, second] = [single(), tree()];
    const [one, other] = [first, second].map(({ metainfo }) => stores.download(metainfo, folder.path, false));
    await download(one!, first);
    await download(other!, second);
    await one!.publish();
    await one!.delete(ALL_OF_IT);
    await other!.publish();
    expect(await isAt(folder.at('tree'), second)).toBe(true);
  });

  it('gives a file its full length with the first block', async () => {
    const sample = single();
    const store = stores.download(sample.metainfo, folder.path, false);
    await store.write(0, 0, blockOf(sample, 0, 0));
    expect((await stat(store.path)).size).toBe(sample.files['']!.length);
    expect(await store.hashPiece(2)).toBeDefined();
  });

  it('truncates a file that is too long', async () => {
    const sample = single();
    const store = stores.download(sample.metainfo, folder.path, false);
    await folder.write(store.path.slice(folder.path.length), Buffer.alloc(4 * PIECE, 7));
    await download(store, sample);
    await store.publish();
    expect(await isAt(store.path, sample)).toBe(true);
  });

  it('has a fingerprint that changes with the size or time of any file, and none if one is missing', async () => {
    const sample = tree();
    const store = stores.download(sample.metainfo, folder.path, false);
    await download(store, sample);
    await store.publish();
    const first = await store.fingerprint();
    expect(first).toBeDefined();
    expect(await stores.download(sample.metainfo, folder.path, true).fingerprint()).toBe(first);
    await utimes(folder.at('tree/empty.txt'), 1, 1);
    const second = await store.fingerprint();
    expect(second).not.toBe(first);
    await truncate(folder.at('tree/z.bin'), 1);
    expect(await store.fingerprint()).toBeUndefined();
    await rm(folder.at('tree/deep'), { recursive: true });
    expect(await store.fingerprint()).toBeUndefined();
  });

  it('explains in sentences that a file is missing, shorter, or not a folder', async () => {
    const sample = tree();
    for (const [name, data] of Object.entries(sample.files)) await folder.write(`tree/${name}`, data);
    const store = stores.original(sample.metainfo, folder.at('tree'));
    const place = { piece: 0, begin: 0 };
    const into = Buffer.alloc(BLOCK);
    await truncate(folder.at('tree/a.bin'), BLOCK - 1);
    await expect(store.read(place, into)).rejects.toMatchObject({
      code: 'precondition',
      reason: 'FILE_CHANGED',
    });
    await store.close();
    await rm(folder.at('tree'), { recursive: true });
    await expect(store.read(place, into)).rejects.toMatchObject({
      code: 'precondition',
      reason: 'FILE_MISSING',
      message: `${folder.at('tree/a.bin')}: it is missing: restore it and resume`,
    });
    await writeFile(folder.at('tree'), 'now a file');
    await expect(store.read(place, into)).rejects.toMatchObject({ reason: 'FILE_MISSING' });
    expect(await store.hashPiece(0)).toBeUndefined();
  });

  it('reports which file hit a full disk, and continues when there is room again', async () => {
    const full = await open('/dev/full', 'r+');
    const state = { room: false };
    class FullPool extends TestDiskPool {
      override write(job: Parameters<DiskPool['write']>[0], data: Buffer): Promise<Buffer> {
        const { position, leaves } = job;
        return super.write(state.room ? job : { fd: full.fd, fileLength: 0, position, leaves }, data);
      }
    }
    const fullPool = new FullPool(1);
    const sample = tiny();
    const store = new FileStoreFactory({ pool: fullPool, fds, privates: privatesOf(folder) }, OWNER).download(
      sample.metainfo,
      folder.path,
      false,
    );
    await expect(store.write(0, 0, blockOf(sample, 0, 0))).rejects.toMatchObject({
      code: 'exhausted',
      reason: 'DISK_FULL',
      message: `${store.path}: the disk is full: make room and resume`,
    });
    state.room = true;
    expect(await download(store, sample)).toEqual([true]);
    await fullPool.stop();
    await full.close();
  });

  it('explains that a folder cannot be created where a file exists', async () => {
    await folder.write('.incomplete', 'in the way');
    const sample = single();
    const store = stores.download(sample.metainfo, folder.path, false);
    await expect(store.write(0, 0, blockOf(sample, 0, 0))).rejects.toMatchObject({
      code: 'precondition',
      message: expect.stringContaining(store.path) as unknown as string,
    });
  });

  it('syncs every file that was written, and after a failure the rest with the next flush', async () => {
    const broken = new Set<string>();
    const synced: string[] = [];
    class WatchedCache extends FdCache {
      override async with<T>(path: string, mode: OpenMode, use: (fd: number) => Promise<T>): Promise<T> {
        if ([...broken].some((name) => path.endsWith(name)))
          throw Object.assign(new Error('EIO'), { code: 'EIO' });
        synced.push(path.slice(path.lastIndexOf('/') + 1));
        return super.with(path, mode, use);
      }
    }
    const watched = new WatchedCache();
    const sample = tree();
    const init = { metainfo: sample.metainfo, path: folder.at('tree') };
    const store = new FileStore({ pool, fds: watched }, init);
    await download(store, sample);
    synced.length = 0;
    broken.add('a.bin');
    await expect(store.flush()).rejects.toMatchObject({ reason: 'DISK_FAILED' });
    broken.clear();
    await store.flush();
    expect([...synced].sort()).toEqual(['a.bin', 'b.bin', 'z.bin']);
    synced.length = 0;
    await store.flush();
    expect(synced).toEqual([]);
    await watched.close();
  });
});

describe('the repair of content in place', () => {
  const sample = tree();
  const indexOf = (path: string): number =>
    sample.metainfo.files.findIndex((file) => file.path.join('/') === path);
  const pieceOf = (path: string): number => PieceLayout.of(sample.metainfo).filePieces(indexOf(path)).first;

  const published = async (): Promise<PieceStore> => {
    const store = stores.download(sample.metainfo, folder.path, false);
    await download(store, sample);
    await store.publish();
    await store.close();
    return stores.download(sample.metainfo, folder.path, true);
  };

  it('does not write to what has appeared in the place of a missing file', async () => {
    const store = await published();
    await rm(folder.at('tree/a.bin'));
    expect(await store.missingFiles()).toEqual([indexOf('a.bin')]);
    await writeFile(folder.at('tree/a.bin'), 'mine');
    const piece = pieceOf('a.bin');
    const write = store.write(piece, 0, blockOf(sample, piece, 0));
    await expect(write).rejects.toMatchObject({
      reason: 'FILE_CHANGED',
      message: expect.stringContaining('something else has its place now') as unknown as string,
    });
    expect(await readFile(folder.at('tree/a.bin'), 'utf8')).toBe('mine');
  });

  it('creates a missing file, by several writes at once', async () => {
    const store = await published();
    await rm(folder.at('tree/a.bin'));
    await store.missingFiles();
    const { first, count } = PieceLayout.of(sample.metainfo).filePieces(indexOf('a.bin'));
    const pieces = Array.from({ length: count }, (_, index) => first + index);
    const blocks = pieces.flatMap((piece) =>
      Array.from({ length: PieceLayout.of(sample.metainfo).blockCount(piece) }, (_, block) => ({
        piece,
        block,
      })),
    );
    await Promise.all(
      blocks.map(({ piece, block }) => store.write(piece, block, blockOf(sample, piece, block))),
    );
    await store.publish();
    expect(await isAt(folder.at('tree'), sample)).toBe(true);
  });

  it('does not write through a link in the place of a folder', async () => {
    const store = await published();
    await rm(folder.at('tree/deep'), { recursive: true });
    await mkdir(folder.at('outside'));
    await symlink(folder.at('outside'), folder.at('tree/deep'));
    await store.missingFiles();
    const piece = pieceOf('deep/er/b.bin');
    const write = store.write(piece, 0, blockOf(sample, piece, 0));
    await expect(write).rejects.toMatchObject({ reason: 'FILE_CHANGED' });
    expect(await folder.tree('outside')).toEqual([]);
  });
});

describe('a flush that failed', () => {
  it('fails until the store is closed: the system may have dropped unwritten data', async () => {
    const nothing = await open('/dev/null', 'r+'); // /dev/null cannot be synced.
    class BrokenCache extends FdCache {
      broken = false;
      override with<T>(path: string, mode: OpenMode, use: (fd: number) => Promise<T>): Promise<T> {
        return this.broken ? use(nothing.fd) : super.with(path, mode, use);
      }
    }
    const broken = new BrokenCache();
    const sample = single();
    const store = new FileStore(
      { pool, fds: broken },
      { metainfo: sample.metainfo, path: folder.at('big.bin') },
    );
    await download(store, sample);
    broken.broken = true;
    await expect(store.flush()).rejects.toMatchObject({ reason: 'DISK_FAILED' });
    broken.broken = false;
    await expect(store.flush()).rejects.toMatchObject({ reason: 'DISK_FAILED' });
    await store.close();
    await expect(store.flush()).resolves.toBeUndefined();
    await broken.close();
    await nothing.close();
  });
});

describe('FileStoreFactory.checkTarget', () => {
  it('creates the folder, and accepts a free name', async () => {
    await stores.checkTarget(folder.at('new/folder'), 'name');
    expect(await folder.tree()).toEqual(['new/', 'new/folder/']);
  });

  it('refuses a taken name, even of a dangling link', async () => {
    await folder.write('file', 'x');
    await link(folder.at('file'), folder.at('hard'));
    await symlink('/nowhere', folder.at('soft'));
    for (const name of ['file', 'hard', 'soft']) {
      await expect(stores.checkTarget(folder.path, name)).rejects.toMatchObject({ reason: 'PATH_EXISTS' });
    }
  });

  it('explains that a file is in the place of the folder', async () => {
    await folder.write('file', 'x');
    await expect(stores.checkTarget(folder.at('file/sub'), 'name')).rejects.toMatchObject({
      code: 'precondition',
      message: expect.stringContaining(folder.at('file/sub')) as unknown as string,
    });
    await expect(stores.checkTarget(folder.at('file'), 'name')).rejects.toMatchObject({
      code: 'already-exists',
      message: `cannot create the folder ${folder.at('file')} (file already exists): fix that, or choose another folder`,
      metadata: { setting: 'outputDir' },
    });
    await expect(stores.checkTarget('/proc/nope', 'name')).rejects.toMatchObject({
      code: 'precondition',
      message: expect.stringMatching(
        /^cannot create the folder \/proc\/nope .* another folder$/,
      ) as unknown as string,
      metadata: { setting: 'outputDir' },
    });
  });
});

function privatesOf({ path }: TestFolder): PrivateFolders {
  return new PrivateFolders({ dataDir: `${path}/data`, downloadDir: `${path}/data/downloads` });
}
