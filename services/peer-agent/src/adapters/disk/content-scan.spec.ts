import { link, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TestDiskPool } from '../../../test/support/disk-threads.js';
import { TestFolder } from '../../../test/support/folder.js';
import type { LeftOutWhy, ScannedContent, ScanOptions } from '../../app/ports/sharing.js';
import { DiskContentHasher } from './content-hasher.js';
import { PrivateFolders } from './private-folders.js';

let folder: TestFolder;
let hasher: DiskContentHasher;
const pool = new TestDiskPool(1);

beforeEach(async () => {
  folder = await TestFolder.make();
  const privates = new PrivateFolders({
    dataDir: folder.at('home/data'),
    downloadDir: folder.at('home/data/downloads'),
  });
  hasher = new DiskContentHasher(pool, privates);
});

afterEach(() => folder.remove());
afterAll(() => pool.stop());

function scan(path: string, options: ScanOptions = {}): Promise<ScannedContent> {
  return hasher.scan(folder.at(path), options);
}

function pathsOf({ files }: ScannedContent): string[] {
  return files.map(({ path }) => path.join('/')).sort();
}

function leftOutOf({ leftOut }: ScannedContent): [string, LeftOutWhy][] {
  return leftOut.entries.map(({ path, why }): [string, LeftOutWhy] => [path, why]).sort();
}

/** An agent's data folder, with files in it. */
async function makeData(path: string): Promise<void> {
  for (const name of ['identity.pem', 'control.token', 'download_status.json', 'transfers/x.torrent'])
    await folder.write(`${path}/${name}`, `secret ${name}`);
}

describe('keys of agents', () => {
  const inData = expect.objectContaining({ code: 'precondition', reason: 'IN_DATA_FOLDER' }) as unknown;
  const holdsData = expect.objectContaining({ code: 'precondition', reason: 'HOLDS_DATA_FOLDER' }) as unknown;

  beforeEach(async () => {
    await makeData('home/data');
    await folder.write('home/model.bin', 'model');
  });

  it('are not shared with a folder that contains the data folder, is it, or is inside it', async () => {
    await expect(scan('home')).rejects.toEqual(holdsData);
    await expect(scan('.')).rejects.toEqual(holdsData);
    for (const path of [
      'home/data',
      'home/data/transfers',
      'home/data/identity.pem',
      'home/data/transfers/x.torrent',
    ])
      await expect(scan(path)).rejects.toEqual(inData);
  });

  it('are not shared through links: to the path, above it or in the folder', async () => {
    await symlink(folder.at('home'), folder.at('way'));
    await symlink(folder.at('home/data/identity.pem'), folder.at('key'));
    await folder.write('content/a', 'a');
    await symlink('../home/data/identity.pem', folder.at('content/key'));
    await expect(scan('way')).rejects.toEqual(holdsData);
    await expect(scan('way/data')).rejects.toEqual(inData);
    await expect(scan('key')).rejects.toEqual(inData);
    await expect(scan('content', { links: 'anywhere' })).rejects.toEqual(inData);
    await rm(folder.at('content/key'));
    await symlink('../home', folder.at('content/home'));
    await expect(scan('content', { links: 'anywhere' })).rejects.toEqual(holdsData);
  });

  it('are not shared under another name of the same file', async () => {
    await mkdir(folder.at('content'));
    await link(folder.at('home/data/control.token'), folder.at('content/token'));
    for (const path of ['content', 'content/token'])
      await expect(scan(path)).rejects.toMatchObject({ reason: 'HOLDS_SECRET' });
  });

  it('of another agent are not shared either', async () => {
    await makeData('content/deep/other');
    for (const path of ['content', 'content/deep']) await expect(scan(path)).rejects.toEqual(holdsData);
    for (const path of [
      'content/deep/other',
      'content/deep/other/control.token',
      'content/deep/other/transfers',
    ])
      await expect(scan(path)).rejects.toEqual(inData);
  });

  it('do not keep content downloaded into the data folder from being shared', async () => {
    await folder.write('home/data/downloads/model/a', 'a');
    expect(pathsOf(await scan('home/data/downloads/model'))).toEqual(['a']);
    expect(pathsOf(await scan('home/model.bin'))).toEqual(['model.bin']);
  });

  it('are not read in the place of a file that was scanned', async () => {
    const name = 'same.pem'; // As long as the key, so that its length gives nothing away.
    await folder.write(`content/${name}`, 'other! identity.pem'.slice(0, 'secret identity.pem'.length));
    const content = await scan('content');
    await rm(folder.at('content', name));
    await symlink(folder.at('home/data/identity.pem'), folder.at('content', name));
    const { signal } = new AbortController();
    const options = { name: 'content', pieceLength: 16_384, signal, progress: () => undefined };
    await expect(hasher.hash(content, options)).rejects.toMatchObject({ reason: 'CHANGED_WHILE_READ' });
  });
});

describe('folders of downloads in progress', () => {
  it('are excluded from a share, however deep, and nothing in them can be shared', async () => {
    await folder.write('content/a', 'a');
    await folder.write('content/.incomplete/x/part', 'part');
    await folder.write('content/deep/down/.incomplete/x/part', 'part');
    const content = await scan('content');
    expect(pathsOf(content)).toEqual(['a']);
    expect(leftOutOf(content)).toEqual([
      ['.incomplete', 'incomplete'],
      ['deep/down/.incomplete', 'incomplete'],
    ]);
    for (const path of ['content/.incomplete', 'content/.incomplete/x', 'content/.incomplete/x/part'])
      await expect(scan(path)).rejects.toMatchObject({ code: 'precondition', reason: 'INCOMPLETE' });
    await symlink('.incomplete/x', folder.at('content/way'));
    await expect(scan('content/way')).rejects.toMatchObject({ reason: 'INCOMPLETE' });
    expect(pathsOf(await scan('content', { links: 'inside' }))).toEqual(['a']);
  });
});

describe('names that a torrent cannot contain', () => {
  const bytes = (path: string, name: number[]): Buffer =>
    Buffer.concat([Buffer.from(`${folder.at(path)}/`), Buffer.from(name)]);

  it('are all found by the scan, each with its path', async () => {
    await folder.write('content/deep/a\\b', 'x');
    await folder.write('content/bell\u0007/inner', 'x');
    await writeFile(bytes('content/deep', [0x62, 0xe9, 0x2e, 0x78]), 'x');
    const error = await scan('content').catch((thrown: unknown) => thrown as Error);
    expect(error).toMatchObject({
      code: 'invalid',
      reason: 'UNSUPPORTED_NAMES',
      metadata: { setting: 'skipUnsupported' },
    });
    const at = folder.at('content');
    const { message } = error as Error;
    expect(message).toContain(`${at}/deep/a\\b holds a path separator`);
    expect(message).toContain(`${at}/bell\\u{7} holds a control character`);
    expect(message).toContain(`${at}/deep/b\\xe9.x is not UTF-8`);
    expect(message).toMatch(/or leave them out$/);
  });

  it('are left out and listed on request', async () => {
    await folder.write('content/good', 'x');
    await folder.write('content/deep/a\\b', 'x');
    await mkdir(bytes('content', [0xff, 0x41]));
    await writeFile(Buffer.concat([bytes('content', [0xff, 0x41]), Buffer.from('/inner')]), 'x');
    const content = await scan('content', { skipUnsupported: true });
    expect(pathsOf(content)).toEqual(['good']);
    expect(content.leftOut.unsupported).toBe(2);
    expect(leftOutOf(content)).toEqual([
      ['\\xffA', 'name'],
      ['deep/a\\b', 'name'],
    ]);
  });

  it('are counted beyond the first', async () => {
    for (let i = 0; i < 8; i++) await folder.write(`content/\\${i}`, 'x');
    await expect(scan('content')).rejects.toThrow(', and 3 more: ');
  });

  it('may be 96 folders deep, but not 97', async () => {
    const deep = Array.from({ length: 95 }, () => 'd').join('/');
    await folder.write(`content/${deep}/file`, 'x');
    expect((await scan('content')).files[0]?.path).toHaveLength(96);
    await folder.write(`content/${deep}/d/file`, 'x');
    await expect(scan('content')).rejects.toMatchObject({ reason: 'UNSUPPORTED_NAMES' });
  });

  it('are distinguished from a real replacement character', async () => {
    await folder.write('content/\ufffd', 'x');
    expect(pathsOf(await scan('content'))).toEqual(['\ufffd']);
    await expect(scan('content/b\ufffd')).rejects.toThrow(/does not exist, or its name is not UTF-8/);
  });
});

describe('symbolic links', () => {
  beforeEach(async () => {
    // The layout of a model in a hub's cache.
    await folder.write('model/blobs/1234', 'weights');
    await folder.write('model/snapshots/abc/readme', 'text');
    await symlink('../../blobs/1234', folder.at('model/snapshots/abc/weights'));
  });

  it('are left out and listed by default', async () => {
    const content = await scan('model/snapshots/abc');
    expect(pathsOf(content)).toEqual(['readme']);
    expect(leftOutOf(content)).toEqual([['weights', 'link']]);
  });

  it('are followed within the folder, and beyond it only on request', async () => {
    const within = await scan('model', { links: 'inside' });
    expect(pathsOf(within)).toEqual(['blobs/1234', 'snapshots/abc/readme', 'snapshots/abc/weights']);
    expect(within.leftOut.links).toBe(0);
    const beyond = await scan('model/snapshots/abc', { links: 'inside' });
    expect(leftOutOf(beyond)).toEqual([['weights', 'outside']]);
    const all = await scan('model/snapshots/abc', { links: 'anywhere' });
    expect(pathsOf(all)).toEqual(['readme', 'weights']);
    expect(all.files.find(({ path }) => path[0] === 'weights')).toMatchObject({
      diskPath: folder.at('model/blobs/1234'),
      length: 7,
    });
  });

  it('are followed within another folder, if that is set', async () => {
    const options = { links: 'inside', within: folder.at('model') } as const;
    expect(pathsOf(await scan('model/snapshots/abc', options))).toEqual(['readme', 'weights']);
    await symlink('/etc', folder.at('model/out'));
    await expect(scan('model/out', options)).rejects.toMatchObject({ reason: 'IS_LINK' });
  });

  it('that dangle or loop are left out', async () => {
    await symlink('nothing', folder.at('model/dangling'));
    await symlink('self', folder.at('model/self'));
    await symlink('.', folder.at('model/here'));
    await symlink('../..', folder.at('model/snapshots/abc/up'));
    const content = await scan('model', { links: 'anywhere' });
    expect(leftOutOf(content)).toEqual([
      ['dangling', 'dangling'],
      ['here', 'loop'],
      ['self', 'dangling'],
      ['snapshots/abc/up', 'loop'],
    ]);
  });

  it('to folders are followed, including from one to another and back', async () => {
    await folder.write('model/a/file', 'a');
    await folder.write('model/b/file', 'b');
    await symlink('../b', folder.at('model/a/b'));
    await symlink('../a', folder.at('model/b/a'));
    const content = await scan('model', { links: 'inside' });
    expect(pathsOf(content).filter((path) => path.endsWith('/file'))).toEqual([
      'a/b/file',
      'a/file',
      'b/a/file',
      'b/file',
    ]);
  });

  it('that are redirected after the scan are not read', async () => {
    const content = await scan('model/snapshots/abc', { links: 'anywhere' });
    await folder.write('model/blobs/5678', 'WEIGHTS');
    await rename(folder.at('model/blobs/5678'), folder.at('model/blobs/1234'));
    const { signal } = new AbortController();
    const options = { name: 'abc', pieceLength: 16_384, signal, progress: () => undefined };
    await expect(hasher.hash(content, options)).rejects.toMatchObject({ reason: 'CHANGED_WHILE_READ' });
  });

  it('cannot multiply the scanned entries without end', async () => {
    for (let i = 0; i < 20; i++) {
      await mkdir(folder.at(`bomb/${i}`), { recursive: true });
      for (const name of ['l', 'r']) await symlink(`../${i + 1}`, folder.at(`bomb/${i}/${name}`));
    }
    await folder.write('bomb/20/file', 'x');
    const abort = AbortSignal.timeout(300);
    await expect(scan('bomb/0', { links: 'anywhere', signal: abort })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});
