import { cp, link, lstat, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import { shortId } from '@enjambre/core/ids';
import { SYSTEM_FILES, type DiskFiles } from '../src/adapters/disk/disk-files.js';
import type { StoreFactory } from '../src/app/ports/store-factory.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, folderMetainfo, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { inState } from './support/in-state.js';
import { overriding } from './support/overriding.js';
import { Uploader } from './support/uploader.js';
import { misnamedFile } from './support/memory-tracker.js';

const PIECE = 64 * 1024;
const data = bytesOf(3 * PIECE);
const mine = metainfoOf(data, PIECE, 'model.bin');
/** The same name and size, but other bytes. */
const theirs = metainfoOf(bytesOf(3 * PIECE, 2), PIECE, 'model.bin');

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

const downloads = (...names: string[]): string => agent.folder.at('downloads', ...names);

/** Starts a peer that offers `mine`, or some pieces of it. */
async function offered(...has: number[]): Promise<void> {
  const options = has.length > 0 ? { has, name: 'part' } : { name: 'whole' };
  const uploader = await Uploader.start(mine, await seed.write('model.bin', data), options);
  uploaders.push(uploader);
  agent.tracker.add(uploader.named());
}

async function start(metainfo: Metainfo, outputDir = ''): Promise<Transfer> {
  const source = { kind: 'metainfo', bytes: metainfo.bytes } as const;
  return (await agent.transfers.download(source, { outputDir })).transfer;
}

const refused = {
  code: 'already-exists',
  reason: 'TARGET_TAKEN',
  metadata: {
    setting: 'outputDir',
    // A complete download can also be replaced.
    remedy: expect.stringMatching(/^(remove|replace)-other$/),
    transfer: shortId(mine.infohash),
  },
};

describe('a download with the target of another', () => {
  it('is refused at once, and names the transfer that has the place', async () => {
    await start(mine);
    await expect(start(theirs)).rejects.toMatchObject(refused);
    expect(agent.transfers.list()).toHaveLength(1);
    await expect(start(theirs, agent.folder.at('elsewhere'))).resolves.toBeDefined();
  });

  it('is refused even if it comes at the same moment', async () => {
    const outcomes = await Promise.allSettled([start(mine), start(theirs)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  it.each(['a link', 'dots'])('is refused whichever path leads there: %s', async (way) => {
    await start(mine);
    await symlink(downloads(), agent.folder.at('link'));
    const path = way === 'dots' ? `${downloads()}/../x/../downloads` : agent.folder.at('link');
    await expect(start(theirs, path)).rejects.toMatchObject(refused);
  });

  it('is refused while the other is paused, failed or complete, and by the next process', async () => {
    const transfer = await start(mine);
    await transfer.pause();
    await expect(start(theirs)).rejects.toMatchObject(refused);
    await agent.halt();
    agent = await DownloadAgent.start(agent.folder);
    await expect(start(theirs)).rejects.toMatchObject(refused);
    const again = agent.transfers.get(mine.infohash);
    await mkdir(downloads(), { recursive: true });
    await writeFile(downloads('model.bin'), 'in the way');
    await again.resume();
    await inState(again, 'failed');
    await rm(downloads('model.bin'));
    await expect(start(theirs)).rejects.toMatchObject(refused);
    await offered();
    await again.resume();
    await inState(again, 'seeding');
    await rename(downloads('model.bin'), agent.folder.at('aside'));
    await expect(start(theirs)).rejects.toMatchObject(refused);
  });

  it('is accepted when the other is removed', async () => {
    await agent.transfers.remove(await start(mine), false);
    await expect(start(theirs)).resolves.toMatchObject({ name: 'model.bin' });
  });

  it('is refused where a missing original belongs', async () => {
    const path = await agent.folder.write('downloads/model.bin', 'an original');
    const { signal } = new AbortController();
    const progress = (): void => undefined;
    await agent.transfers.share({ path, name: 'other', pieceLength: 0, signal, progress });
    await rm(path);
    await expect(start(theirs)).rejects.toMatchObject({ reason: 'TARGET_TAKEN' });
  });

  it('fails before its first byte if its name was not known before', async () => {
    await start(theirs);
    await offered();
    const found = [misnamedFile(mine.infohash)];
    agent.tracker.findFiles = () => Promise.resolve(found);
    const { transfer } = await agent.transfers.download(
      { kind: 'ref', ref: `magnet:?xt=urn:btmh:1220${mine.infohash}` },
      { outputDir: '' },
    );
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('TARGET_TAKEN');
    expect(transfer.record.downloadedBytes).toBe(0);
    // This is the way out for the user.
    await agent.transfers.download(
      { kind: 'ref', ref: mine.infohash },
      { outputDir: agent.folder.at('other') },
    );
    await inState(transfer, 'seeding');
    expect((await readFile(agent.folder.at('other/model.bin'))).equals(data)).toBe(true);
  });

  it('is refused in a folder that another is about to become', async () => {
    const tree = folderMetainfo({ 'a.bin': data }, PIECE, 'tree');
    await start(tree);
    await expect(start(mine, downloads('tree/sub'))).rejects.toMatchObject({ reason: 'TARGET_TAKEN' });
    await expect(lstat(downloads('tree'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is accepted if and only if the file system distinguishes the names', async () => {
    await start(mine);
    const upper = metainfoOf(data, PIECE, 'MODEL.bin');
    const probe = agent.folder.at('case');
    await writeFile(probe, '');
    const folds = await readFile(agent.folder.at('CASE')).then(
      () => true,
      () => false,
    );
    if (folds) await expect(start(upper)).rejects.toMatchObject(refused);
    else await expect(start(upper)).resolves.toBeDefined();
  });
});

describe('an entry that a user puts at the target of a download', () => {
  /** Everything but one piece is fetched, and then the user puts something else there. */
  async function nearlyThere(): Promise<Transfer> {
    await offered(0, 1);
    const transfer = await start(mine);
    await waitFor(() => transfer.view().donePieceCount === 2, { what: 'two pieces' });
    await writeFile(downloads('model.bin'), 'precious');
    await offered();
    await inState(transfer, 'failed');
    return transfer;
  }

  it('stays, and once it is moved away the download completes without another byte', async () => {
    const transfer = await nearlyThere();
    expect(await readFile(downloads('model.bin'), 'utf8')).toBe('precious');
    expect(transfer.view().message).toMatch(/model\.bin already exists .*: move it away and resume/);
    await rename(downloads('model.bin'), downloads('mine.bin'));
    await transfer.resume();
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(transfer.record.downloadedBytes).toBe(data.length);
  });

  it('stays, and with another folder the download completes without another byte', async () => {
    const transfer = await nearlyThere();
    const elsewhere = agent.folder.at('elsewhere');
    await start(mine, elsewhere);
    await inState(transfer, 'seeding');
    expect((await readFile(join(elsewhere, 'model.bin'))).equals(data)).toBe(true);
    expect(await readFile(downloads('model.bin'), 'utf8')).toBe('precious');
    expect(transfer.record.downloadedBytes).toBe(data.length);
    expect(await agent.folder.tree('downloads')).toEqual(['model.bin']);
  });

  it('is still in the way if the other folder is on another disk', async () => {
    const transfer = await nearlyThere();
    const otherDisk = await mkdtemp('/dev/shm/enjambre-test-');
    try {
      await expect(start(mine, otherDisk)).rejects.toMatchObject({
        reason: 'ELSEWHERE',
        message: expect.stringMatching(
          /is on another file system: resume it where it is/,
        ) as unknown as string,
      });
      await inState(transfer, 'failed');
      await rm(downloads('model.bin'));
      await transfer.resume();
      expect((await agent.finished(transfer)).equals(data)).toBe(true);
      expect(transfer.record.downloadedBytes).toBe(data.length);
    } finally {
      await rm(otherDisk, { recursive: true });
    }
  });
});

describe('a download that is moving to another folder when its agent is killed', () => {
  const part = (folder: string): string =>
    join(folder, '.incomplete', `${mine.infohash}-${'a'.repeat(16)}`, 'model.bin');
  const data2 = (): string => agent.folder.at('data-as-killed');

  /** The agent has two pieces and is killed at `moment` of the move; `after` happens before the next one starts. */
  async function killedAt(
    moment: (from: string, to: string) => Promise<void>,
    after: () => Promise<void> = () => Promise.resolve(),
  ): Promise<Transfer> {
    await agent.halt();
    const parts = {
      stores: (disk: StoreFactory) =>
        overriding(disk, {
          moveDownload: async (_, from, to) => {
            await moment(from, to);
            await cp(agent.folder.at('data'), data2(), { recursive: true });
            throw new Error('killed');
          },
        }),
    };
    agent = await DownloadAgent.start(agent.folder, parts);
    await offered(0, 1);
    const transfer = await start(mine);
    await waitFor(() => transfer.view().donePieceCount === 2, { what: 'two pieces' });
    await expect(start(mine, agent.folder.at('elsewhere'))).rejects.toThrow();
    await agent.halt();
    await rm(agent.folder.at('data'), { recursive: true });
    await rename(data2(), agent.folder.at('data'));
    await after();
    agent = await DownloadAgent.start(agent.folder);
    return agent.transfers.get(mine.infohash);
  }

  const makeRoom = (to: string): Promise<unknown> => mkdir(dirname(part(to)), { recursive: true });
  const moved = async (from: string, to: string): Promise<void> => {
    await makeRoom(to);
    await rename(part(from), part(to));
  };
  const loseStatus = (): Promise<void> => rm(agent.folder.at('data/download_status.json'), { force: true });

  it.each([
    ['before its part moved', () => Promise.resolve(), () => Promise.resolve()],
    [
      'when its part has both names',
      async (from: string, to: string) => {
        await makeRoom(to);
        await link(part(from), part(to));
      },
      () => Promise.resolve(),
    ],
    ['when its part had moved', moved, () => Promise.resolve()],
    ['when its part had moved, and the status file is lost', moved, loseStatus],
  ])('%s, is there, and resumes', async (_, moment, after) => {
    const transfer = await killedAt(moment, after);
    const elsewhere = agent.folder.at('elsewhere');
    await waitFor(() => transfer.view().donePieceCount === 2, {
      what: 'two pieces',
      seen: () => [transfer.state, transfer.view().path, transfer.view().message],
    });
    expect(transfer.record).toMatchObject({ location: elsewhere, movingTo: '' });
    expect(await agent.folder.tree('downloads')).toEqual([]);
    await offered();
    await inState(transfer, 'seeding');
    expect((await readFile(join(elsewhere, 'model.bin'))).equals(data)).toBe(true);
    await expect(start(theirs, elsewhere)).rejects.toMatchObject(refused);
  });

  it('waits while its part is in neither folder, and is found in the new one', async () => {
    const elsewhere = agent.folder.at('elsewhere');
    const away = agent.folder.at('away');
    const transfer = await killedAt(moved, () => rename(elsewhere, away));
    await inState(transfer, 'missing');
    await agent.halt();
    await rename(away, elsewhere);
    agent = await DownloadAgent.start(agent.folder);
    const again = agent.transfers.get(mine.infohash);
    await waitFor(() => again.view().donePieceCount === 2, { what: 'two pieces' });
    expect(again.record.location).toBe(elsewhere);
  });
});

describe('very many downloads in progress', () => {
  it('are compared with a new one at the cost of their folders, and a hanging disk blocks no other', async () => {
    await agent.halt();
    const asked: string[] = [];
    const rooms: string[] = [];
    const hangs = (path: string): boolean => path.includes('/dead');
    let dead = false;
    const files = {
      realpath: ((path: string) => {
        asked.push(path);
        return dead && hangs(path) ? new Promise(() => undefined) : SYSTEM_FILES.realpath(path);
      }) as DiskFiles['realpath'],
      statfs: ((path: string) => {
        rooms.push(path);
        return dead && hangs(path) ? new Promise(() => undefined) : SYSTEM_FILES.statfs(path);
      }) as DiskFiles['statfs'],
    };
    agent = await DownloadAgent.start(agent.folder, { files, silentMs: 200 });
    const named = (name: string): Metainfo => metainfoOf(data, PIECE, name);
    for (let count = 0; count < 20; count++) await start(named(`${count}.bin`));
    await start(named('dead.bin'), agent.folder.at('dead'));
    await waitFor(() => [...agent.transfers.all()].every(({ state }) => state === 'downloading'), {
      what: 'all to be under way',
      seen: () => [...agent.transfers.all()].map(({ state }) => state),
    });
    asked.length = 0;
    rooms.length = 0;
    await start(named('next.bin'));
    const next = agent.transfers.get(named('next.bin').infohash);
    await inState(next, 'downloading');
    expect(asked.length).toBeLessThan(6);
    // It checks before its start and before its first byte: each time its own folder, those of the others, and the one
    // of the rehearsal.
    expect(rooms.length).toBeLessThan(8);
    dead = true;
    const began = performance.now();
    for (let count = 30; count < 40; count++) await start(named(`${count}.bin`));
    expect(performance.now() - began).toBeLessThan(20_000);
    await expect(start(named('other.bin'), agent.folder.at('dead2'))).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'DISK_SILENT',
      message: expect.stringMatching(/dead2 does not answer: .* another folder$/) as unknown as string,
      metadata: { setting: 'outputDir' },
    });
    dead = false;
  });
});
