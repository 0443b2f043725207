import {
  chmod,
  cp,
  mkdir,
  readFile,
  rename,
  rm,
  statfs as statfsOf,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { DiskFiles } from '../src/adapters/disk/disk-files.js';
import type { KeptReason, Publication } from '../src/app/ports/piece-store.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, folderMetainfo, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { inState } from './support/in-state.js';
import { overriding } from './support/overriding.js';
import { Uploader } from './support/uploader.js';

const PIECE = 64 * 1024;
const files = {
  'a.bin': bytesOf(3 * PIECE, 1),
  'deep/b.bin': bytesOf(1000, 2),
  'deep/er/c.bin': bytesOf(2000, 3),
  'void/none': Buffer.alloc(0),
};
const ALL = Object.keys(files).length;
const metainfo = folderMetainfo(files, PIECE, 'folder');

let seed: TestFolder;
let uploader: Uploader;
let agent: DownloadAgent;

beforeEach(async () => {
  seed = await TestFolder.make();
  for (const [name, data] of Object.entries(files)) await seed.write(`folder/${name}`, data);
  uploader = await Uploader.start(metainfo, seed.at('folder'));
  agent = await DownloadAgent.start();
  agent.tracker.add(uploader.named());
});

afterEach(async () => {
  await agent.stop();
  await uploader.stop();
  await seed.remove();
});

const at = (...names: string[]): string => agent.folder.at('downloads/folder', ...names);
const tree = async (): Promise<string[]> => (await agent.folder.tree('downloads')).sort();

const downloaded = async (): Promise<Transfer> => inState(await agent.download(metainfo), 'seeding');

async function restarted(state: Transfer['state'] = 'seeding'): Promise<Transfer> {
  await agent.halt();
  agent = await DownloadAgent.start(agent.folder);
  agent.tracker.add(uploader.named());
  return inState(agent.transfers.get(metainfo.infohash), state);
}

/** Removes it with its files. Returns the kept paths and reasons. */
async function remove(transfer: Transfer, force = false): Promise<Record<string, KeptReason>> {
  const { kept, paths } = await agent.transfers.remove(transfer, true, force);
  expect(kept).toBe(paths.length);
  return Object.fromEntries(paths.map(({ path, reason }) => [path, reason]));
}

async function putAll(): Promise<void> {
  await mkdir(agent.folder.at('downloads'), { recursive: true });
  await cp(seed.at('folder'), at(), { recursive: true });
}

const afterRestart = (): Promise<Transfer> => restarted('paused');

describe('a downloaded folder removed with its files', () => {
  it('is deleted together with its subfolders', async () => {
    expect(await agent.transfers.remove(await downloaded(), true)).toMatchObject({ deleted: ALL, kept: 0 });
    expect(await tree()).toEqual([]);
  });

  it("keeps everything that is not part of it: a user's notes, and folders", async () => {
    const transfer = await downloaded();
    await writeFile(at('notes.txt'), 'mine');
    await writeFile(at('deep/er/more.txt'), 'mine');
    await mkdir(at('void/mine'));
    await writeFile(at('void/mine/x'), 'mine');
    expect(await remove(transfer)).toEqual({
      [at('notes.txt')]: 'foreign',
      [at('deep/er/more.txt')]: 'foreign',
      [at('void/mine')]: 'foreign',
    });
    expect(await readFile(at('notes.txt'), 'utf8')).toBe('mine');
    expect(await tree()).toEqual(
      [
        'folder/',
        'folder/deep/',
        'folder/deep/er/',
        'folder/deep/er/more.txt',
        'folder/notes.txt',
        'folder/void/',
        'folder/void/mine/',
        'folder/void/mine/x',
      ].sort(),
    );
  });

  it.each([
    ['while the agent runs', (transfer: Transfer) => inState(transfer, 'failed')],
    ['and the agent was restarted', afterRestart],
  ])('keeps a file that was edited, with the same size and time, %s', async (_, then) => {
    const transfer = await downloaded();
    await utimes(at('a.bin'), 1, 1);
    await waitFor(() => transfer.isUnchanged(), { what: 'the new stamp' });
    if (then === afterRestart) await transfer.pause();
    await writeFile(at('a.bin'), bytesOf(3 * PIECE, 9));
    await utimes(at('a.bin'), 1, 1);
    expect(await remove(await then(transfer))).toEqual({ [at('a.bin')]: 'changed' });
    expect(await tree()).toEqual(['folder/', 'folder/a.bin']);
  });

  it('is deleted completely with force, except entries that are not part of it', async () => {
    const transfer = await downloaded();
    await writeFile(at('a.bin'), 'edited');
    await writeFile(at('notes.txt'), 'mine');
    expect(await remove(transfer, true)).toEqual({ [at('notes.txt')]: 'foreign' });
    expect(await tree()).toEqual(['folder/', 'folder/notes.txt']);
  });

  it('is deleted even if modes and times of its files changed', async () => {
    const transfer = await downloaded();
    await chmod(at('a.bin'), 0o600);
    await utimes(at('deep/b.bin'), 5, 5);
    expect(await remove(transfer)).toEqual({});
    expect(await tree()).toEqual([]);
  });

  it.each([false, true])(
    'keeps links and their targets, and entries in the place of a file (force: %s)',
    async (force) => {
      const transfer = await downloaded();
      await agent.transfers.get(metainfo.infohash).pause();
      // The user's other copy, now the target of a link.
      await rename(at('deep'), agent.folder.at('elsewhere'));
      await symlink(agent.folder.at('elsewhere'), at('deep'));
      await rename(at('void/none'), agent.folder.at('none'));
      await symlink(agent.folder.at('none'), at('void/none'));
      await rm(at('a.bin'));
      await mkdir(at('a.bin'));
      await writeFile(at('a.bin/inner'), 'mine');
      expect(await remove(transfer, force)).toEqual({
        [at('a.bin')]: 'replaced',
        [at('deep')]: 'replaced',
        [at('void/none')]: 'replaced',
      });
      expect((await readFile(agent.folder.at('elsewhere/er/c.bin'))).equals(files['deep/er/c.bin'])).toBe(
        true,
      );
      expect(await readFile(at('a.bin/inner'), 'utf8')).toBe('mine');
    },
  );

  it('is kept completely where it was moved to, if a link leads there', async () => {
    const transfer = await downloaded();
    await transfer.pause();
    await rename(at(), agent.folder.at('big-disk'));
    await symlink(agent.folder.at('big-disk'), at());
    expect(await remove(transfer, true)).toEqual({ [at()]: 'replaced' });
    expect((await readFile(agent.folder.at('big-disk/a.bin'))).equals(files['a.bin'])).toBe(true);
  });

  it('is deleted even through a link to its parent folder', async () => {
    await mkdir(agent.folder.at('real'));
    await rm(agent.folder.at('downloads'), { recursive: true, force: true });
    await symlink(agent.folder.at('real'), agent.folder.at('downloads'));
    expect(await remove(await downloaded())).toEqual({});
    expect(await agent.folder.tree('real')).toEqual([]);
  });

  it('lists only some of very many kept paths, and counts all', async () => {
    const transfer = await downloaded();
    for (let note = 0; note < 30; note++) await writeFile(at(`note ${note}`), 'mine');
    const { kept, paths } = await agent.transfers.remove(transfer, true);
    expect([kept, paths.length]).toEqual([30, 20]);
  });
});

describe('content that existed before', () => {
  it('is not deleted, unless forced', async () => {
    await putAll();
    const before = await tree();
    const kept = await remove(await downloaded());
    expect(new Set(Object.values(kept))).toEqual(new Set(['taken-over']));
    expect(Object.keys(kept)).toHaveLength(ALL);
    expect(await tree()).toEqual(before);
    expect(await remove(await downloaded(), true)).toEqual({});
    expect(await tree()).toEqual([]);
  });

  it('is not deleted after a restart, nor after one that had to rebuild the status file', async () => {
    await putAll();
    await downloaded();
    await restarted();
    await agent.halt();
    await rm(agent.folder.at('data/download_status.json'));
    const transfer = await restarted();
    expect(Object.keys(await remove(transfer))).toHaveLength(ALL);
  });

  it('is kept, while files that the agent added in a repair are deleted', async () => {
    await putAll();
    const transfer = await downloaded();
    await transfer.pause();
    await rm(at('a.bin'));
    await rm(at('deep/er'), { recursive: true });
    await transfer.verify();
    await inState(transfer, 'seeding');
    const again = await restarted();
    expect(again.record.ownFiles).not.toBe('all');
    expect(await remove(again)).toEqual({
      [at('deep/b.bin')]: 'taken-over',
      [at('void/none')]: 'taken-over',
    });
    expect(await tree()).toEqual([
      'folder/',
      'folder/deep/',
      'folder/deep/b.bin',
      'folder/void/',
      'folder/void/none',
    ]);
  });

  it('includes that of another agent, if that was first', async () => {
    // It appears while ours is at its last byte.
    await agent.stop();
    agent = await DownloadAgent.start(undefined, {
      stores: (of) =>
        overriding(of, {
          download: (...which) => {
            const store = of.download(...which);
            const publish = async (): Promise<Publication> => {
              if (!which[2]) await putAll();
              return store.publish();
            };
            return overriding(store, { publish });
          },
        }),
    });
    agent.tracker.add(uploader.named());
    const kept = await remove(await downloaded());
    expect(new Set(Object.values(kept))).toEqual(new Set(['taken-over']));
  });
});

describe('the record of which files the agent created', () => {
  /** Restarts as if the agent had been killed before it recorded the completion. */
  async function killed(change: Record<string, unknown>): Promise<Transfer> {
    await agent.halt();
    for (const name of ['download_status.json', `transfers/${metainfo.infohash}.json`]) {
      const path = agent.folder.at('data', name);
      const text = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
      const noted = (one: Record<string, unknown>): Record<string, unknown> => ({ ...one, ...change });
      const { transfers } = text as { transfers?: Record<string, unknown>[] };
      await writeFile(
        path,
        JSON.stringify(transfers ? { ...text, transfers: transfers.map(noted) } : noted(text)),
      );
    }
    return restarted0();
  }

  async function restarted0(): Promise<Transfer> {
    agent = await DownloadAgent.start(agent.folder);
    return inState(agent.transfers.get(metainfo.infohash), 'seeding');
  }

  it('survives a crash between the rename and the record', async () => {
    const named: string[] = [];
    await agent.stop();
    agent = await DownloadAgent.start(undefined, {
      archive: (archive) =>
        overriding(archive, {
          save: async (records) => {
            for (const { assembly } of records) if (assembly !== '') named.push(assembly);
            await archive.save(records);
          },
        }),
    });
    agent.tracker.add(uploader.named());
    await downloaded();
    expect(new Set(named).size).toBe(1);
    const before = {
      complete: false,
      in_place: false,
      fingerprint: '',
      own_files: 'none',
      completed_at: null,
    };
    const transfer = await killed({ ...before, assembly: named[0] });
    expect(transfer.record.ownFiles).toBe('all');
    expect(await remove(transfer)).toEqual({});
  });

  it('counts an entry as existing before, if it is not what was about to get the name', async () => {
    await downloaded();
    const before = {
      complete: false,
      in_place: false,
      fingerprint: '',
      own_files: 'none',
      completed_at: null,
    };
    const transfer = await killed({ ...before, assembly: '1:2' });
    expect(Object.keys(await remove(transfer))).toHaveLength(ALL);
  });

  it('is empty for older versions: the files are kept, unless forced', async () => {
    await downloaded();
    const transfer = await killed({ own_files: undefined, assembly: undefined });
    const kept = await remove(transfer);
    expect(new Set(Object.values(kept))).toEqual(new Set(['unknown']));
  });
});

describe('a partial download', () => {
  it('is deleted, and nothing else beside it', async () => {
    await uploader.stop();
    const some = await Uploader.start(metainfo, seed.at('folder'), { has: [0, 1] });
    agent.tracker.add(some.named());
    const transfer = await agent.download(metainfo);
    await waitFor(() => transfer.view().donePieceCount === 2, { what: 'two pieces' });
    const { path } = transfer.view();
    await writeFile(`${path}/notes.txt`, 'mine');
    await agent.folder.write('downloads/folder/mine', 'mine');
    const { tried, deleted, paths } = await agent.transfers.remove(transfer, false);
    expect({ tried, deleted, paths }).toEqual({
      tried: true,
      deleted: 1,
      paths: [{ path: `${path}/notes.txt`, reason: 'foreign' }],
    });
    expect(await readFile(at('mine'), 'utf8')).toBe('mine');
    await some.stop();
  });
});

describe('a complete part that could not be renamed', () => {
  it.each([
    ['while the agent runs', (transfer: Transfer) => Promise.resolve(transfer)],
    ['after a restart', () => restarted('failed')],
  ])('is kept when it is removed %s', async (_, then) => {
    await agent.stop();
    agent = await DownloadAgent.start(undefined, {
      stores: (of) =>
        overriding(of, {
          download: (...which) => {
            const store = of.download(...which);
            const publish = async (): Promise<Publication> => {
              // Another process is faster.
              if (!which[2]) await agent.folder.write('downloads/folder', 'mine');
              return store.publish();
            };
            return overriding(store, { publish });
          },
        }),
    });
    agent.tracker.add(uploader.named());
    const transfer = await then(await inState(await agent.download(metainfo), 'failed'));
    expect(transfer.record).toMatchObject({ inPlace: false, doneBytes: metainfo.totalLength });
    const { path } = transfer.view();
    expect(await agent.transfers.remove(transfer, false)).toMatchObject({ tried: false, deleted: 0 });
    expect(await readFile(`${path}/a.bin`)).toEqual(files['a.bin']);
    expect(agent.transfers.list()).toEqual([]);
  });
});

describe('a downloaded file that is removed', () => {
  const data = bytesOf(2 * PIECE + 5);
  const single = metainfoOf(data, PIECE);
  let other: Uploader;

  beforeEach(async () => {
    other = await Uploader.start(single, await seed.write('file.bin', data));
    agent.tracker.add({ ...other.named(), peerId: other.peerId });
  });

  afterEach(() => other.stop());

  it('is kept without data removal, deleted with it, and kept if it was edited or replaced by a folder', async () => {
    const path = agent.folder.at('downloads/file.bin');
    const get = async (): Promise<Transfer> => inState(await agent.download(single), 'seeding');
    expect(await agent.transfers.remove(await get(), false)).toMatchObject({ tried: false, deleted: 0 });
    expect(Object.values(await remove(await get()))).toEqual(['taken-over']);
    await rm(path);
    expect(await remove(await get())).toEqual({});
    const transfer = await get();
    await writeFile(path, Buffer.alloc(data.length, 3));
    expect(await remove(transfer)).toEqual({ [path]: 'changed' });
    await rm(path);
    const last = await get();
    await last.pause();
    await rm(path);
    await mkdir(path);
    expect(await remove(last, true)).toEqual({ [path]: 'replaced' });
  });
});

describe('a download that was deleted and could not be fetched again', () => {
  it('is forgotten without deleting what a person has put in its place', async () => {
    await downloaded();
    await rm(at(), { recursive: true });
    await agent.halt();
    const noRoom = { type: 0, bsize: 1, blocks: 1e9, files: 1e6, bavail: 0, ffree: 1e6 };
    const statfs = (async (path: string) =>
      Object.assign(await statfsOf(path), noRoom)) as DiskFiles['statfs'];
    agent = await DownloadAgent.start(agent.folder, { files: { statfs } });
    agent.tracker.add(uploader.named());
    const transfer = await inState(agent.transfers.get(metainfo.infohash), 'missing');
    await transfer.verify();
    await inState(transfer, 'failed');
    expect(transfer.fault).toBe('DISK_FULL');
    await agent.folder.write('downloads/folder/a.bin', Buffer.from('mine'));
    expect(await agent.transfers.remove(transfer, false)).toMatchObject({ deleted: 0 });
    expect(await readFile(at('a.bin'), 'utf8')).toBe('mine');
  });
});
