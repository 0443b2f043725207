import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { waitFor } from '@enjambre/harness/wait-for';
import type { StoreFactory } from '../src/app/ports/store-factory.js';
import type { TransferArchive } from '../src/app/ports/archives.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, metainfoOf } from './support/content.js';
import { DownloadAgent, type AgentParts } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { overriding } from './support/overriding.js';
import { Uploader } from './support/uploader.js';
import { misnamedFile } from './support/memory-tracker.js';

const PIECE = 64 * 1024;
/** Five pieces, the last one short. */
const data = bytesOf(4 * PIECE + 1000);
const metainfo = metainfoOf(data, PIECE, 'file.bin');

let seed: TestFolder;
let agent: DownloadAgent;
let uploaders: Uploader[];
/** Operations that the disks refuse from now on. */
let refused: Set<'save' | 'writeMetainfo' | 'remove'>;
/** Called for each refusal. */
let atRefusal: () => Promise<void>;

const full = (): Promise<never> =>
  atRefusal().then(() => Promise.reject(new EnjambreError('exhausted', 'DISK_FULL', 'no space left')));

/** Its data folder refuses the operations in {@link refused}. */
const archive = (kept: TransferArchive): TransferArchive =>
  overriding(kept, {
    save: (records) => (refused.has('save') ? full() : kept.save(records)),
    writeMetainfo: (of) => (refused.has('writeMetainfo') ? full() : kept.writeMetainfo(of)),
    remove: (infohash) => (refused.has('remove') ? full() : kept.remove(infohash)),
  });

beforeEach(async () => {
  seed = await TestFolder.make();
  uploaders = [];
  refused = new Set();
  atRefusal = () => Promise.resolve();
  agent = await DownloadAgent.start(undefined, { archive });
});

afterEach(async () => {
  refused.clear();
  await agent.stop();
  for (const uploader of uploaders) await uploader.stop();
  await seed.remove();
});

const at = (path: string): string => agent.folder.at(path);
const transfer = (): Transfer => agent.transfers.get(metainfo.infohash);

async function offered(...has: number[]): Promise<void> {
  const options = has.length > 0 ? { has, name: 'part' } : { name: 'whole' };
  const uploader = await Uploader.start(metainfo, await seed.write('file.bin', data), options);
  uploaders.push(uploader);
  agent.tracker.add(uploader.named());
}

async function inState(state: Transfer['state'], path?: string): Promise<void> {
  const isThere = (): boolean => path === undefined || transfer().view().path === at(path);
  await waitFor(() => transfer().state === state && isThere(), {
    what: `the transfer to be ${state} ${path ?? ''}`,
    everyMs: 5,
    seen: () => [transfer().state, transfer().view().path, transfer().view().message],
  });
}

async function shareAt(path: string): Promise<Transfer> {
  await agent.folder.write(path, data);
  const { signal } = new AbortController();
  const options = { path: at(path), name: 'file.bin', pieceLength: PIECE, signal, progress: () => undefined };
  return (await agent.transfers.share(options)).transfer;
}

async function get(folder: string): Promise<Transfer> {
  const source = { kind: 'metainfo', bytes: metainfo.bytes } as const;
  return (await agent.transfers.download(source, { outputDir: folder && at(folder) })).transfer;
}

/** An unmounted disk leaves an empty folder. */
async function unmount(folder: string): Promise<void> {
  await rename(at(folder), at(`${folder}-away`));
  await mkdir(at(folder));
}

/** The current data folder is what a crash leaves. */
const asKilled = (): Promise<void> => cp(at('data'), at('killed'), { recursive: true });

async function restarted(parts: AgentParts = { archive }): Promise<void> {
  await agent.halt();
  agent = await DownloadAgent.start(agent.folder, parts);
}

async function restartedAsKilled(): Promise<void> {
  refused.clear();
  await agent.halt();
  await rm(at('data'), { recursive: true });
  await rename(at('killed'), at('data'));
  agent = await DownloadAgent.start(agent.folder, { archive });
}

describe('a missing share that is fetched into another folder', () => {
  beforeEach(async () => {
    await shareAt('1/file.bin');
    await shareAt('2/file.bin');
    await rename(at('2/file.bin'), at('2/away'));
    await rm(at('1/file.bin'));
    await inState('missing', '1/file.bin');
  });

  it('stays unchanged if that cannot be saved, and is not forgotten by a crash', async () => {
    const before = transfer().record;
    atRefusal = () => asKilled().finally(() => (atRefusal = () => Promise.resolve()));
    refused.add('save');
    await expect(get('other')).rejects.toMatchObject({ reason: 'DISK_FULL' });
    await inState('missing', '1/file.bin');
    expect(transfer().record).toMatchObject({ origin: true, copies: before.copies, complete: true });
    await restartedAsKilled();
    await inState('missing', '1/file.bin');
    expect(transfer().record.copies).toEqual(before.copies);
    await rename(at('2/away'), at('2/file.bin'));
    await inState('seeding', '2/file.bin');
  });

  it('keeps its place if the folder is not writable', async () => {
    await expect(get('../../proc/nowhere')).rejects.toThrow();
    const other = metainfoOf(bytesOf(data.length, 2), PIECE, 'file.bin');
    const source = { kind: 'metainfo', bytes: other.bytes } as const;
    const theirs = agent.transfers.download(source, { outputDir: at('1') });
    await expect(theirs).rejects.toMatchObject({ reason: 'TARGET_TAKEN' });
  });

  it('still knows its other copies, and uses one when the fetched content is gone', async () => {
    await offered();
    await get('other');
    await inState('seeding', 'other/file.bin');
    expect(
      transfer()
        .record.copies.map(({ location }) => location)
        .sort(),
    ).toEqual([at('1/file.bin'), at('2/file.bin')]);
    await rename(at('2/away'), at('2/file.bin'));
    await rm(at('other/file.bin'));
    await inState('seeding', '2/file.bin');
  });
});

describe('the claims of the progress log', () => {
  it('are cleared when a missing download is fetched into another folder', async () => {
    await offered();
    await get('');
    await inState('seeding');
    await agent.halt();
    await unmount('downloads');
    agent = await DownloadAgent.start(agent.folder, { archive });
    await inState('missing');
    await get('other');
    await inState('downloading');
    await restarted();
    await inState('downloading');
    agent.tracker.add(...uploaders.map((uploader) => uploader.named()));
    await inState('seeding', 'other/file.bin');
  });

  it('are cleared when a check gives missing content up, even by a crash right after', async () => {
    await offered();
    await get('');
    await inState('seeding');
    await agent.halt();
    await unmount('downloads');
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    let isTried = false;
    const stores = (disk: StoreFactory): StoreFactory =>
      overriding(disk, {
        rehearse: async (...args) => {
          isTried = true;
          await gate;
          return disk.rehearse(...args);
        },
      });
    agent = await DownloadAgent.start(agent.folder, { archive, stores });
    await inState('missing');
    await transfer().verify();
    await waitFor(() => isTried, { what: 'the disk to be tried' });
    await agent.transfers.save(transfer());
    await asKilled();
    open();
    await restartedAsKilled();
    await inState('downloading');
  });

  it('are cleared when the same content is downloaded again after a removal that could not delete them', async () => {
    await offered(0, 1);
    await get('');
    await waitFor(() => transfer().view().donePieceCount === 2, { what: 'two pieces' });
    refused.add('remove');
    await agent.transfers.remove(transfer(), false);
    refused.clear();
    await get('');
    await waitFor(() => transfer().view().donePieceCount === 2, {
      what: 'two pieces again',
      seen: () => [transfer().state, transfer().view().message],
    });
  });
});

it('a download with an unknown name resolves it after a refused share', async () => {
  const { infohash } = metainfo;
  agent.tracker.files.push(misnamedFile(infohash));
  await agent.transfers.download({ kind: 'ref', ref: infohash }, { outputDir: '' });
  await inState('resolving');
  refused.add('save');
  await expect(shareAt('copy/file.bin')).rejects.toMatchObject({ reason: 'DISK_FULL' });
  refused.clear();
  await offered();
  await inState('seeding', 'downloads/file.bin');
  expect(transfer()).toMatchObject({ name: 'file.bin', record: { origin: false, sizeBytes: data.length } });
});

describe('a download with a copy elsewhere that is to be shared', () => {
  const part = async (): Promise<string[]> =>
    (await agent.folder.tree('downloads')).filter((path) => path.endsWith('file.bin'));

  beforeEach(async () => {
    await offered(0, 1);
    await get('');
    await waitFor(() => transfer().view().donePieceCount === 2, { what: 'two pieces' });
    await transfer().pause();
  });

  async function isAsItWas(): Promise<void> {
    expect(transfer()).toMatchObject({ state: 'paused', record: { origin: false, complete: false } });
    expect(transfer().view()).toMatchObject({ donePieceCount: 2 });
    expect(await part()).toHaveLength(1);
    await offered();
    await transfer().resume();
    await inState('seeding', 'downloads/file.bin');
    expect(transfer().record.downloadedBytes).toBe(data.length);
  }

  it.each(['save', 'writeMetainfo'] as const)('stays unchanged if the disk refuses to %s', async (what) => {
    refused.add(what);
    await expect(shareAt('copy/file.bin')).rejects.toMatchObject({ reason: 'DISK_FULL' });
    refused.clear();
    await isAsItWas();
  });

  it('stays unchanged if the copy changes while it is read', async () => {
    const hash = agent.hasher.hash.bind(agent.hasher);
    agent.hasher.hash = async (...args) => {
      const hashed = await hash(...args);
      await writeFile(at('copy/file.bin'), Buffer.alloc(data.length, 7));
      return hashed;
    };
    await expect(shareAt('copy/file.bin')).rejects.toMatchObject({ reason: 'CHANGED_WHILE_READ' });
    await isAsItWas();
  });

  it('stays unchanged if the copy changes before it is offered', async () => {
    const stores = (disk: StoreFactory): StoreFactory =>
      overriding(disk, {
        original: (of, path) => {
          const store = disk.original(of, path);
          return overriding(store, {
            survey: async (files) => {
              await writeFile(path, Buffer.alloc(data.length, 7));
              return store.survey(files);
            },
          });
        },
      });
    await restarted({ archive, stores });
    await expect(shareAt('copy/file.bin')).rejects.toMatchObject({ reason: 'CHANGED_WHILE_READ' });
    agent.tracker.add(...uploaders.map((uploader) => uploader.named()));
    await isAsItWas();
  });

  it('is the same transfer from then on, and its part is deleted', async () => {
    const before = transfer();
    expect(await shareAt('copy/file.bin')).toBe(before);
    await inState('seeding', 'copy/file.bin');
    expect(await part()).toEqual([]);
    expect(before.record).toMatchObject({ goal: 'run', origin: true, downloadedBytes: 2 * PIECE });
    await restarted();
    await inState('seeding', 'copy/file.bin');
  });
});
