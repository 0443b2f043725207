import { chmod, chown, lchown, mkdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { BLOCK_SIZE } from '@enjambre/core/layout';
import { bytesOf, folderMetainfo, metainfoOf } from '../../../test/support/content.js';
import { TestDiskPool } from '../../../test/support/disk-threads.js';
import { TestFolder } from '../../../test/support/folder.js';
import { FdCache } from './fd-cache.js';
import { PrivateFolders } from './private-folders.js';
import { checkStage, makeStage } from './stage-folder.js';
import { FileStoreFactory } from './store-factory.js';

const data = bytesOf(2 * BLOCK_SIZE);
const metainfo = metainfoOf(data, BLOCK_SIZE, 'model.bin');
const OWNER = 'a'.repeat(64);
const OTHER_USER = 12_345;
const notPrivate = expect.objectContaining({ code: 'denied', reason: 'NOT_PRIVATE' });
/** Only root may give files away. */
const asRoot = process.getuid?.() === 0 ? it : it.skip;

let folder: TestFolder;
let pool: TestDiskPool;
let fds: FdCache;

beforeEach(async () => {
  folder = await TestFolder.make();
  pool = new TestDiskPool(1);
  fds = new FdCache();
});

afterEach(async () => {
  await fds.close();
  await pool.stop();
  await folder.remove();
});

const stage = (): string =>
  folder.at('downloads', '.incomplete', `${metainfo.infohash}-${OWNER.slice(0, 16)}`);
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

function write(block = 0): Promise<Buffer> {
  const privates = new PrivateFolders({ dataDir: folder.at('data'), downloadDir: folder.at('downloads') });
  const stores = new FileStoreFactory({ pool, fds, privates }, OWNER);
  const store = stores.download(metainfo, folder.at('downloads'), false);
  return store.write(block, 0, Buffer.from(data.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE)));
}

describe('the folder in which a download is assembled', () => {
  it('is of this user alone, whatever the download folder is', async () => {
    await mkdir(folder.at('downloads'));
    await chmod(folder.at('downloads'), 0o777);
    await write();
    expect(await modeOf(stage())).toBe(0o700);
    expect(await modeOf(folder.at('downloads', '.incomplete'))).toBe(0o700);
    await write(1);
  });

  it('of an older version, which others could read, is used as it is', async () => {
    await mkdir(stage(), { recursive: true, mode: 0o755 });
    await write();
    expect(await modeOf(stage())).toBe(0o755);
  });

  describe.each([
    ['.incomplete', () => folder.at('downloads', '.incomplete')],
    ['its own folder', stage],
  ])('whose %s is a link', (_, planted) => {
    beforeEach(async () => {
      await mkdir(folder.at('downloads'));
      await mkdir(folder.at('secret'));
      if (planted() === stage()) await mkdir(folder.at('downloads', '.incomplete'));
      await symlink(folder.at('secret'), planted());
    });

    asRoot('of another user is refused, and nothing is written where it leads', async () => {
      await lchown(planted(), OTHER_USER, OTHER_USER);
      await expect(write()).rejects.toEqual(notPrivate);
      expect(await folder.tree('secret')).toEqual([]);
    });

    it('of this user is followed, and others cannot write where it leads', async () => {
      await chmod(folder.at('secret'), 0o777);
      await write();
      expect(await modeOf(folder.at('secret'))).toBe(0o755);
    });
  });

  it('is taken back from others who can write to it, as Kubernetes lets the group of a volume', async () => {
    await mkdir(stage(), { recursive: true });
    await chmod(stage(), 0o2775);
    await write();
    expect(await modeOf(stage())).toBe(0o755);
    await chmod(stage(), 0o777);
    await checkStage(stage());
    expect(await modeOf(stage())).toBe(0o755);
  });

  asRoot('is refused if it belongs to another user', async () => {
    await mkdir(stage(), { recursive: true });
    await chown(stage(), OTHER_USER, OTHER_USER);
    await expect(write()).rejects.toThrow(
      /belongs to another user \(12345\).*remove it, or choose another folder/,
    );
    expect(await folder.tree('downloads')).toEqual(
      expect.not.arrayContaining([expect.stringMatching(/probe/)]),
    );
  });

  it('is used on a file system on which all files have the same owner', async () => {
    await mkdir(stage(), { recursive: true });
    const uid = jest.spyOn(process, 'getuid').mockReturnValue(OTHER_USER);
    try {
      await checkStage(stage());
    } finally {
      uid.mockRestore();
    }
  });

  asRoot('that is swapped while a download is in progress receives nothing more', async () => {
    const tree = folderMetainfo({ 'a.bin': data, 'b.bin': data }, BLOCK_SIZE, 'tree');
    const privates = new PrivateFolders({ dataDir: folder.at('data'), downloadDir: folder.at('downloads') });
    const store = new FileStoreFactory({ pool, fds, privates }, OWNER).download(
      tree,
      folder.at('downloads'),
      false,
    );
    await store.write(0, 0, Buffer.from(data.subarray(0, BLOCK_SIZE)));
    await rename(folder.at('downloads', '.incomplete'), folder.at('aside'));
    const planted = dirname(store.path);
    await mkdir(planted, { recursive: true });
    await mkdir(folder.at('cron.d'));
    await symlink(folder.at('cron.d'), store.path);
    for (const path of [folder.at('downloads', '.incomplete'), planted])
      await chown(path, OTHER_USER, OTHER_USER);
    await expect(store.write(2, 0, Buffer.from(data.subarray(0, BLOCK_SIZE)))).rejects.toEqual(notPrivate);
    expect(await folder.tree('cron.d')).toEqual([]);
  });

  it('may be gone when it is checked', async () => {
    await makeStage(stage());
    await checkStage(folder.at('downloads', '.incomplete', 'not there yet'));
  });
});

describe('a link in the place of a file that is written', () => {
  it('is refused, and the file that it leads to stays as it is', async () => {
    await mkdir(stage(), { recursive: true });
    await writeFile(folder.at('shadow'), 'root:secret');
    await symlink(folder.at('shadow'), `${stage()}/model.bin`);
    await expect(write()).rejects.toMatchObject({
      reason: 'FILE_CHANGED',
      message: expect.stringContaining(
        'it is a symbolic link, and the agent writes to no file through a link',
      ),
    });
    expect(await readFile(folder.at('shadow'), 'utf8')).toBe('root:secret');
  });
});
