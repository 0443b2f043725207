import { readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { EnjambreError } from '@enjambre/core/error';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { DiskPool } from '../src/adapters/disk/disk-pool.js';
import type { PieceStore } from '../src/app/ports/piece-store.js';
import type { StoreFactory } from '../src/app/ports/store-factory.js';
import type { TransferArchive } from '../src/app/ports/archives.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { OutstandingBudget } from '../src/domain/download/outstanding-budget.js';
import { bytesOf, folderMetainfo, metainfoOf } from './support/content.js';
import { TestDiskPool } from './support/disk-threads.js';
import { DownloadAgent, type AgentParts } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { inState } from './support/in-state.js';
import { overriding } from './support/overriding.js';
import { Uploader, type UploaderOptions } from './support/uploader.js';

const PIECE = 64 * 1024;
/** Five pieces, the last one short. */
const data = bytesOf(4 * PIECE + 1000);
const metainfo = metainfoOf(data, PIECE);

/** Shortens the intervals of the agent's periodic work. */
const SOON: AgentParts = { checkpointMs: 250 };

let seed: TestFolder;
let agent: DownloadAgent;
let uploaders: Uploader[];

beforeEach(async () => {
  seed = await TestFolder.make();
  uploaders = [];
  agent = await DownloadAgent.start(undefined, SOON);
});

afterEach(async () => {
  await agent.stop();
  for (const uploader of uploaders) await uploader.stop();
  await seed.remove();
});

async function restartWith(parts: AgentParts): Promise<void> {
  await agent.halt();
  agent = await DownloadAgent.start(agent.folder, { ...SOON, ...parts });
}

async function addUploader(options: UploaderOptions = {}, of: Metainfo = metainfo): Promise<Uploader> {
  const name = `uploader ${uploaders.length}`;
  const path = of.isFolder ? seed.at(of.name) : await seed.write(of.name, data);
  const uploader = await Uploader.start(of, path, { name, ...options });
  uploaders.push(uploader);
  const { peerId, endpoint } = uploader;
  agent.tracker.add({ peerId, name, endpoint, seeder: true });
  return uploader;
}

/** A download with its first three pieces, from a swarm that has no others. */
async function begun(): Promise<Transfer> {
  await addUploader({ has: [0, 1, 2] });
  const transfer = await agent.download(metainfo);
  await waitFor(() => transfer.view().donePieceCount === 3, { what: 'three pieces' });
  return transfer;
}

const target = (name = metainfo.name): string => agent.folder.at('downloads', name);

/** Files of a partial download, and changes made to them behind the agent's back. */
const mischief: Record<string, (path: string) => Promise<void>> = {
  deleted: (path) => rm(path),
  moved: (path) => rename(path, agent.folder.at('elsewhere')),
  cut: (path) => truncate(path, 1000),
  replaced: async (path) => {
    await rm(path);
    await writeFile(path, Buffer.alloc(data.length));
  },
};

/** The state of a download afterwards, what a person does to complete it, and what the reason says about that. */
const OUTCOMES = {
  deleted: ['missing', 'verify', 'restore it, and the download resumes'],
  moved: ['missing', 'verify', 'restore it, and the download resumes'],
  cut: ['failed', 'resume', 'resume'],
  replaced: ['failed', 'resume', 'resume'],
} as const;

describe.each(Object.entries(OUTCOMES))('a download whose part is %s', (what, [state, remedy, hint]) => {
  it(`is ${state} and says which file, and ends right after ${remedy}`, async () => {
    const transfer = await begun();
    const part = transfer.view().path;
    await mischief[what]!(part);
    await addUploader();
    await inState(transfer, state);
    expect(transfer.view().reason).toBe(state === 'missing' ? 'CONTENT_MISSING' : 'FILE_CHANGED');
    expect(transfer.view().message).toContain(part);
    expect(transfer.view().message).toContain(hint);
    await transfer[remedy]();
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
  });

  it('completes correctly even when another process continues it', async () => {
    const transfer = await begun();
    await mischief[what]!(transfer.view().path);
    await addUploader();
    await inState(transfer, state);
    await restartWith({});
    const again = agent.transfers.get(metainfo.infohash);
    await inState(again, state);
    await addUploader();
    await again[remedy]();
    expect((await agent.finished(again)).equals(data)).toBe(true);
  });

  it(`is ${state} at the next checkpoint although no peer sends anything`, async () => {
    const transfer = await begun();
    await mischief[what]!(transfer.view().path);
    await inState(transfer, state);
    expect(transfer.record.recheck).toBe(true);
  });
});

describe('a partial download', () => {
  it('that is back in place is kept as far as it is correct, without a command', async () => {
    const transfer = await begun();
    const part = transfer.view().path;
    await rename(part, agent.folder.at('elsewhere'));
    await inState(transfer, 'missing');
    await rename(agent.folder.at('elsewhere'), part);
    await waitFor(() => transfer.view().donePieceCount === 3 && transfer.state === 'downloading', {
      what: 'the download to go on',
    });
    expect(transfer.view().record.downloadedBytes).toBe(3 * PIECE);
    await addUploader();
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(transfer.record.recheck).toBe(false);
  });

  it('of a folder that lost a complete file is not published without it', async () => {
    const files = { 'a.bin': bytesOf(PIECE, 1), 'b.bin': bytesOf(PIECE, 2) };
    const tree = folderMetainfo(files, PIECE, 'tree');
    for (const [name, bytes] of Object.entries(files)) await seed.write(`tree/${name}`, bytes);
    await addUploader({ has: [0] }, tree);
    const before = await agent.download(tree);
    await waitFor(() => before.view().donePieceCount === 1, { what: 'the first file' });
    await restartWith({}); // So that its files are not open.
    const transfer = agent.transfers.get(tree.infohash);
    await inState(transfer, 'downloading');
    await rm(`${transfer.view().path}/a.bin`);
    await addUploader({}, tree);
    await inState(transfer, 'missing');
    expect(transfer.view().message).toMatch(/a\.bin is missing: mount its disk or restore it/);
    await transfer.verify();
    await inState(transfer, 'seeding');
    for (const [name, bytes] of Object.entries(files))
      expect((await readFile(target(`tree/${name}`))).equals(bytes)).toBe(true);
  });
});

describe('a check', () => {
  it('that was requested is made by the next process if this one ends before', async () => {
    const transfer = await begun();
    await transfer.pause();
    const part = transfer.view().path;
    const bytes = await readFile(part);
    bytes[PIECE + 5]! ^= 1; // In a piece that no sample covers.
    await writeFile(part, bytes);
    expect(transfer.record.recheck).toBe(false);
    await transfer.verify();
    await restartWith({});
    await addUploader();
    expect((await agent.finished(agent.transfers.get(metainfo.infohash))).equals(data)).toBe(true);
  });
});

describe('a complete download', () => {
  it('whose last step failed after the rename is not deleted by the next attempt', async () => {
    const state = { fails: true };
    const failing = (store: PieceStore): PieceStore =>
      overriding(store, {
        seal: () => {
          if (!state.fails) return store.seal();
          state.fails = false;
          return Promise.reject(new EnjambreError('internal', 'DISK_FAILED', 'the disk failed'));
        },
      });
    const stores = (of: StoreFactory): StoreFactory =>
      overriding(of, { download: (...which) => failing(of.download(...which)) });
    await restartWith({ stores });
    await addUploader();
    const transfer = await agent.download(metainfo);
    await inState(transfer, 'failed');
    expect((await readFile(target())).equals(data)).toBe(true);
    await transfer.resume();
    await inState(transfer, 'seeding');
    expect((await readFile(target())).equals(data)).toBe(true);
    expect(transfer.record.downloadedBytes).toBe(data.length);
  });

  it('that was extended is truncated by a check', async () => {
    await addUploader();
    const transfer = await agent.download(metainfo);
    await agent.finished(transfer);
    await writeFile(target(), Buffer.concat([data, Buffer.from('more')]));
    await inState(transfer, 'failed');
    await transfer.resume();
    await inState(transfer, 'seeding');
    expect((await readFile(target())).equals(data)).toBe(true);
  });
});

describe('a share that was extended', () => {
  it('is not served as its original content by the next process', async () => {
    const path = await agent.folder.write('original.bin', data);
    const { signal } = new AbortController();
    const { transfer } = await agent.transfers.share({
      path,
      name: '',
      pieceLength: PIECE,
      signal,
      progress: () => undefined,
    });
    await agent.halt();
    await writeFile(path, Buffer.concat([data, Buffer.from('more')]));
    agent = await DownloadAgent.start(agent.folder);
    const again = agent.transfers.get(transfer.infohash);
    await inState(again, 'failed');
    expect(again.view().message).toMatch(/is no longer what was shared/);
    expect((await stat(path)).size).toBe(data.length + 4);
  });
});

describe('a data folder without room', () => {
  const noRoom = new EnjambreError('exhausted', 'DISK_FULL', '/data: the disk is full: make room');
  let state: { full: boolean };

  beforeEach(async () => {
    state = { full: true };
    const archive = (of: TransferArchive): TransferArchive =>
      overriding(of, {
        progress: (infohash) => {
          const log = of.progress(infohash);
          return overriding(log, {
            save: (have) => (state.full ? Promise.reject(noRoom) : log.save(have)),
          });
        },
      });
    await restartWith({ archive });
  });

  it('does not stop a download, which reports it until there is room', async () => {
    const transfer = await begun();
    expect(transfer.view()).toMatchObject({
      state: 'downloading',
      reason: 'DISK_FULL',
      message: `the download continues, but progress cannot be saved: ${noRoom.message}`,
    });
    expect(transfer.record.recheck).toBe(true);
    state.full = false;
    await waitFor(() => transfer.view().message === '', { what: 'progress to be saved' });
    expect(transfer.view().reason).toBe('');
    expect(transfer.record.recheck).toBe(false);
    await addUploader();
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
  });

  it('lets it fail at the end, and nothing is fetched again once there is room', async () => {
    await addUploader();
    const transfer = await agent.download(metainfo);
    await inState(transfer, 'failed');
    expect(transfer.view()).toMatchObject({ reason: 'DISK_FULL', message: noRoom.message });
    state.full = false;
    await transfer.resume();
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(transfer.record.downloadedBytes).toBe(data.length);
  });
});

describe('a disk thread that ends', () => {
  /** Counts the blocks that ended threads held. */
  class CountingPool extends TestDiskPool {
    lost = 0;

    override async write(job: Parameters<DiskPool['write']>[0], block: Buffer): Promise<Buffer> {
      try {
        return await super.write(job, block);
      } catch (error) {
        this.lost += 1;
        throw error;
      }
    }
  }

  /** Ends the agent's thread with each block selected by `isHit`, before it can be written. */
  async function endingWith(isHit: (write: number) => boolean): Promise<CountingPool> {
    const threads: Worker[] = [];
    const onThread = (message: unknown): void => void threads.push((message as { worker: Worker }).worker);
    subscribe('worker_threads', onThread);
    endWatch = () => unsubscribe('worker_threads', onThread);
    const pool = new CountingPool(1);
    let writes = 0;
    const ending = (store: PieceStore): PieceStore =>
      overriding(store, {
        write: async (...block) => {
          if (!isHit(++writes)) return store.write(...block);
          const run = pool.write.bind(pool);
          pool.write = (...job) => {
            pool.write = run;
            const written = run(...job);
            void threads.at(-1)?.terminate();
            return written;
          };
          return store.write(...block);
        },
      });
    const stores = (files: StoreFactory): StoreFactory =>
      overriding(files, { download: (...place) => ending(files.download(...place)) });
    await restartWith({ pool, stores });
    return pool;
  }

  let endWatch: () => void = () => undefined;

  afterEach(() => {
    endWatch();
  });

  it('costs a download only the blocks that it held', async () => {
    const pool = await endingWith((write) => write === 2 || write === 4);
    const uploader = await addUploader();
    const transfer = await agent.download(metainfo);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(pool.lost).toBeGreaterThan(0);
    expect(uploader.ledger.uploaded).toBeGreaterThan(data.length);
    expect(uploader.ledger.uploaded).toBeLessThanOrEqual(data.length + pool.lost * PIECE);
    expect(agent.bans.struck).toEqual([]);
  });

  it('does not keep a download going forever', async () => {
    await endingWith(() => true);
    await addUploader({ has: [0] });
    const transfer = await agent.download(metainfo);
    await waitFor(() => transfer.state === 'failed', {
      what: 'the end of its patience',
      everyMs: 20,
      timeoutMs: 100_000,
    });
    expect(transfer.fault).toBe('BLOCK_LOST');
    expect(transfer.view().message).toMatch(
      /has ended: check the log, give the agent more memory and resume/,
    );
  }, 120_000);
});

describe('a slow disk', () => {
  const BUDGET = 2 << 20;

  /** Completes a few writes at a time, after a delay, and counts the waiting bytes. */
  class SlowPool extends TestDiskPool {
    waiting = 0;
    most = 0;
    #turn: Promise<unknown> = Promise.resolve();

    override async write(job: Parameters<DiskPool['write']>[0], block: Buffer): Promise<Buffer> {
      const { length } = block;
      this.waiting += length;
      this.most = Math.max(this.most, this.waiting);
      this.#turn = this.#turn.then(() => delay(4));
      await this.#turn;
      try {
        return await super.write(job, block);
      } finally {
        this.waiting -= length;
      }
    }
  }

  it('never has more to write than may be requested, whichever peers send, and everything ends correctly', async () => {
    const pool = new SlowPool(1);
    await restartWith({ pool, budget: new OutstandingBudget(BUDGET) });
    const contents = ['one', 'two'].map((name, index) => {
      const bytes = bytesOf(16 << 20, index + 1);
      return { bytes, metainfo: metainfoOf(bytes, 1 << 20, name) };
    });
    for (const { bytes, metainfo: of } of contents) {
      const path = await seed.write(of.name, bytes);
      for (const name of ['a', 'b', 'c']) {
        const uploader = await Uploader.start(of, path, { name: `${of.name} ${name}` });
        uploaders.push(uploader);
        const { peerId, endpoint } = uploader;
        agent.tracker.add({ peerId, name: of.name, endpoint, seeder: true });
      }
    }
    const transfers = await Promise.all(contents.map(({ metainfo: of }) => agent.download(of)));
    for (const [index, transfer] of transfers.entries())
      expect((await agent.finished(transfer)).equals(contents[index]!.bytes)).toBe(true);
    expect(pool.most).toBeGreaterThan(BUDGET / 4);
    expect(pool.most).toBeLessThanOrEqual(BUDGET);
  });
});
