import type { StatsFs } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, statfs, symlink, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, type Logger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import { SYSTEM_FILES, type DiskFiles } from '../src/adapters/disk/disk-files.js';
import { FdCache } from '../src/adapters/disk/fd-cache.js';
import { PrivateFolders } from '../src/adapters/disk/private-folders.js';
import { FileStoreFactory } from '../src/adapters/disk/store-factory.js';
import type { Named } from '../src/app/ports/store-factory.js';
import { bytesOf, folderMetainfo, metainfoOf } from './support/content.js';
import { TestDiskPool } from './support/disk-threads.js';
import { DownloadAgent, type AgentParts } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { inState } from './support/in-state.js';
import { overriding } from './support/overriding.js';
import { Uploader } from './support/uploader.js';

const PIECE = 64 * 1024;
const data = bytesOf(2 * PIECE);

let seed: TestFolder;
let agent: DownloadAgent;
let uploaders: Uploader[];

beforeEach(async () => {
  seed = await TestFolder.make();
  agent = await DownloadAgent.start();
  uploaders = [];
});

afterEach(async () => {
  await agent.stop();
  for (const uploader of uploaders) await uploader.stop();
  await seed.remove();
});

/** The agent has another disk from now on. */
async function restartWith(parts: AgentParts): Promise<void> {
  await agent.halt();
  agent = await DownloadAgent.start(agent.folder, parts);
  for (const uploader of uploaders) agent.tracker.add(uploader.named());
}

async function offer(metainfo: Metainfo): Promise<void> {
  const uploader = await Uploader.start(metainfo, seed.at(metainfo.name));
  uploaders.push(uploader);
  agent.tracker.add(uploader.named());
}

async function offeredFile(name = 'file.bin'): Promise<Metainfo> {
  await seed.write(name, data);
  const metainfo = metainfoOf(data, PIECE, name);
  await offer(metainfo);
  return metainfo;
}

/** A folder of two files, the first of which is executable. */
async function offeredProgram(): Promise<Metainfo> {
  const built = folderMetainfo({ 'bin/run': data, 'read.me': data }, PIECE, 'program');
  for (const name of ['bin/run', 'read.me']) await seed.write(`program/${name}`, data);
  await offer(built);
  const files = built.files.map((file) =>
    file.path.join('/') === 'bin/run' ? { ...file, executable: true as const } : file,
  );
  return { ...built, files };
}

const refusing = (code: string) => (): Promise<never> =>
  Promise.reject(Object.assign(new Error(code), { code }));

const downloads = (...names: string[]): string => agent.folder.at('downloads', ...names);

describe('a file system without modes', () => {
  /** As the agent reads it from a .torrent. */
  const programs = (metainfo: Metainfo): AgentParts['archive'] => {
    return (archive) => overriding(archive, { readMetainfo: () => Promise.resolve(metainfo) });
  };

  it('completes the download, with a warning that is stored and logged once', async () => {
    const program = await offeredProgram();
    const warnings: string[] = [];
    const log: Logger = overriding(createLogger({ name: 'agent', level: 'silent' }), {
      warn: (text: unknown) => void warnings.push(String(text)),
    });
    const parts = { log, archive: programs(program), files: { chmod: refusing('EPERM') } };
    await restartWith(parts as AgentParts);
    const transfer = await agent.download(program);
    await inState(transfer, 'seeding');
    const warning =
      'the file system does not support executable files (operation not permitted): bin/run should be executable';
    expect(transfer.view()).toMatchObject({ message: '', record: { warning, complete: true } });
    expect((await readFile(downloads('program/bin/run'))).equals(data)).toBe(true);
    await restartWith(parts as AgentParts);
    const again = agent.transfers.get(program.infohash);
    await inState(again, 'seeding');
    expect(again.record.warning).toBe(warning);
    expect(warnings).toEqual([`program is complete, but ${warning}`]);
  });

  it('causes no warning if there are modes', async () => {
    const program = await offeredProgram();
    await restartWith({ archive: programs(program)! });
    const transfer = await agent.download(program);
    await inState(transfer, 'seeding');
    expect(transfer.record.warning).toBe('');
    expect((await stat(downloads('program/bin/run'))).mode & 0o111).toBe(0o111);
  });
});

describe('a file system without', () => {
  const noSync: DiskFiles['open'] = async (path, flags, mode) => {
    const handle = await SYSTEM_FILES.open(path, flags, mode);
    return (await handle.stat()).isDirectory() ? overriding(handle, { sync: refusing('EINVAL') }) : handle;
  };

  it.each<[string, Partial<DiskFiles>]>([
    ['syncs of folders', { open: noSync }],
    ['hard links', { link: refusing('EPERM') }],
    ['numbers of what is free', { statfs: refusing('ENOSYS') }],
  ])('%s completes downloads', async (_, files) => {
    await restartWith({ files });
    const transfer = await agent.download(await offeredFile());
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(transfer.record.warning).toBe('');
    expect(await agent.folder.tree('downloads')).toEqual(['file.bin']);
  });
});

describe('requirements of the last step are tried first', () => {
  it('the folder in which downloads are assembled is on another disk', async () => {
    const otherDisk = await mkdtemp('/dev/shm/enjambre-test-');
    try {
      await mkdir(downloads());
      await symlink(otherDisk, downloads('.incomplete'));
      const file = await offeredFile();
      await expect(agent.download(file)).rejects.toMatchObject({
        reason: 'OTHER_FILE_SYSTEM',
        message: expect.stringMatching(
          /downloads\/\.incomplete.* is not on the same file system .*: remove that link or mount, or .* another folder$/,
        ) as unknown as string,
        metadata: { setting: 'outputDir' },
      });
      expect(agent.transfers.list()).toEqual([]);
      await unlink(downloads('.incomplete'));
      expect((await agent.finished(await agent.download(file))).equals(data)).toBe(true);
    } finally {
      await rm(otherDisk, { recursive: true });
    }
  });

  it('the disk changes while the download is paused', async () => {
    const otherDisk = await mkdtemp('/dev/shm/enjambre-test-');
    try {
      const file = await offeredFile();
      await agent.halt();
      agent = await DownloadAgent.start(agent.folder);
      const transfer = await agent.download(file);
      await transfer.pause();
      await rm(downloads('.incomplete'), { recursive: true, force: true });
      await symlink(otherDisk, downloads('.incomplete'));
      await transfer.resume();
      await inState(transfer, 'failed');
      expect(transfer.fault).toBe('OTHER_FILE_SYSTEM');
      await unlink(downloads('.incomplete'));
      await transfer.resume();
      agent.tracker.add(uploaders[0]!.named());
      expect((await agent.finished(transfer)).equals(data)).toBe(true);
    } finally {
      await rm(otherDisk, { recursive: true });
    }
  });

  it('a path that is too long only while it is assembled', async () => {
    const deep = Array.from({ length: 9 }, (_, level) => `${level}`.repeat(200)).join('/');
    const tree = folderMetainfo({ [`${deep}/file`]: data }, PIECE, 'tree');
    const room = 4095 - Buffer.byteLength(`/tree/${deep}/file`) - Buffer.byteLength(downloads());
    const output = downloads(...Array.from({ length: Math.floor(room / 201) }, () => 'x'.repeat(200)));
    const source = { kind: 'metainfo', bytes: tree.bytes } as const;
    await expect(agent.transfers.download(source, { outputDir: output })).rejects.toMatchObject({
      reason: 'NAME_TOO_LONG',
      message: expect.stringMatching(
        /too long \(41\d\d bytes, at most 4095 are possible\).* a shorter folder$/,
      ) as unknown as string,
      metadata: { setting: 'outputDir' },
    });
    const { transfer } = await agent.transfers.download(source, { outputDir: downloads() });
    expect(transfer.name).toBe('tree');
  });
});

describe('the rehearsal of a download', () => {
  const pool = new TestDiskPool(1);
  const fds = new FdCache();
  const named = (...paths: string[]): Named => ({
    ...folderMetainfo({ file: data }, PIECE, 'tree'),
    files: paths.map((path) => ({ path: path.split('/'), length: 1 })),
  });
  const rehearsed = async (content: Named, files: Partial<DiskFiles>): Promise<void> => {
    const privates = new PrivateFolders({ dataDir: '/nowhere', downloadDir: agent.folder.path });
    const components = { pool, fds, privates, files: { ...SYSTEM_FILES, ...files } };
    const stores = new FileStoreFactory(components, 'a'.repeat(64));
    await stores.rehearse(content, agent.folder.path).finally(async () => {
      expect((await agent.folder.tree()).filter((name) => name.includes('probe'))).toEqual([]);
    });
  };
  const strict: DiskFiles['mkdir'] = ((path: string) =>
    /[:?]|\.$/.test(basename(path)) ? refusing('EINVAL')() : mkdir(path)) as DiskFiles['mkdir'];
  /** A case-insensitive file system. */
  const folding: DiskFiles['lstat'] = (async (path: string) => {
    const found = await SYSTEM_FILES.lstat(path).catch(() => undefined);
    return found ?? SYSTEM_FILES.lstat(join(path, '..', basename(path).toLowerCase()));
  }) as DiskFiles['lstat'];

  afterEach(() => fds.close());
  afterAll(() => pool.stop());

  it.each(['a:b', 'dir?/file', 'ends.'])('detects that a file system refuses the name %s', async (path) => {
    await expect(rehearsed(named('plain', path), { mkdir: strict })).rejects.toMatchObject({
      code: 'precondition',
      reason: 'NAME_REFUSED',
      message: expect.stringMatching(
        /does not accept names such as "[^"]+" \(invalid argument\): choose/,
      ) as unknown as string,
    });
    await expect(rehearsed(named('plain', path), {})).resolves.toBeUndefined();
  });

  it('detects that a file system treats two names as one', async () => {
    const content = named('net/xt_dscp.h', 'net/xt_DSCP.h');
    await expect(rehearsed(content, { lstat: folding })).rejects.toMatchObject({
      reason: 'NAMES_COLLIDE',
      message: expect.stringContaining('"xt_dscp.h" and "xt_DSCP.h" as one name') as unknown as string,
    });
    await expect(rehearsed(content, {})).resolves.toBeUndefined();
    await expect(rehearsed(named('a/same', 'b/SAME'), { lstat: folding })).resolves.toBeUndefined();
  });

  it('detects that a name is too long', async () => {
    await expect(rehearsed(named('x'.repeat(255)), {})).resolves.toBeUndefined();
    await expect(rehearsed(named(`dir/${'x'.repeat(256)}`), {})).rejects.toMatchObject({
      reason: 'NAME_REFUSED',
    });
  });

  it('detects that FAT accepts no file of 4 GiB, without writing any data', async () => {
    const of = (length: number): Named => ({ ...named('big'), files: [{ path: ['big'], length }] });
    const fat = (async (path: string) =>
      Object.assign(await statfs(path), { type: 0x4d44 })) as DiskFiles['statfs'];
    await expect(rehearsed(of(2 ** 32), { statfs: fat })).rejects.toMatchObject({ reason: 'FILE_TOO_LARGE' });
    await expect(rehearsed(of(2 ** 32 - 1), { statfs: fat })).resolves.toBeUndefined();
    await expect(rehearsed(of(2 ** 33), {})).resolves.toBeUndefined();
  });
});

describe('room for a download', () => {
  let free: { bytes: number; files: number };

  beforeEach(async () => {
    free = { bytes: 10 * PIECE, files: 100 };
    const room = { type: 0, bsize: 1, blocks: 1e9, files: 1e6 };
    const left = async (): Promise<StatsFs> =>
      Object.assign(await statfs('/'), { ...room, bavail: free.bytes, ffree: free.files });
    await restartWith({ files: { statfs: left as unknown as DiskFiles['statfs'] } });
  });

  it('is checked at once, with the required amount in the error', async () => {
    const big = metainfoOf(bytesOf(11 * PIECE), PIECE, 'big.bin');
    await expect(agent.download(big)).rejects.toMatchObject({
      code: 'exhausted',
      reason: 'DISK_FULL',
      message: `big.bin needs 720.9 kB in ${downloads()}, where 655.4 kB are free: make room and try again, or choose another folder`,
      metadata: { setting: 'outputDir' },
    });
    expect(agent.transfers.list()).toEqual([]);
  });

  it('excludes what other running downloads need, but not what paused ones need', async () => {
    const first = await agent.download(metainfoOf(bytesOf(6 * PIECE), PIECE, 'first.bin'));
    await inState(first, 'downloading');
    const second = metainfoOf(bytesOf(5 * PIECE), PIECE, 'second.bin');
    await expect(agent.download(second)).rejects.toMatchObject({
      reason: 'DISK_FULL',
      message: expect.stringMatching(
        /free, of which other downloads need 393\.2 kB: make room/,
      ) as unknown as string,
    });
    await first.pause();
    const other = await agent.download(second);
    await inState(other, 'downloading');
    await first.resume();
    await inState(first, 'failed');
    expect(first.view().message).toMatch(/of which other downloads need/);
    await agent.transfers.remove(other, false);
    await first.resume();
    await inState(first, 'downloading');
  });

  it('is required for missing data only', async () => {
    const file = await offeredFile();
    const part = await Uploader.start(file, seed.at('file.bin'), { has: [0], name: 'part' });
    await uploaders.pop()!.stop();
    uploaders.push(part);
    await restartWith({
      files: { statfs: (() => Promise.resolve(left())) as unknown as DiskFiles['statfs'] },
    });
    const transfer = await agent.download(file);
    await waitFor(() => transfer.view().donePieceCount === 1, { what: 'the first piece' });
    await transfer.pause();
    free.bytes = PIECE;
    await transfer.resume();
    await inState(transfer, 'downloading');
    await transfer.pause();
    free.bytes = PIECE - 1;
    await transfer.resume();
    await inState(transfer, 'failed');
    expect(transfer.view().donePieceCount).toBe(1);

    function left(): object {
      return { type: 0, bsize: 1, blocks: 1e9, bavail: free.bytes, files: 0, ffree: 0 };
    }
  });

  it('is required for files, too', async () => {
    free.files = 1;
    const transfer = await agent.download(folderMetainfo({ a: data, b: data }, PIECE, 'two'));
    await inState(transfer, 'failed');
    expect(transfer.view().message).toMatch(
      /^two has 2 files and folders, but .* has room for 1 more: make room/,
    );
  });
});
