import { readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { ProgressLog, TransferArchive } from '../src/app/ports/archives.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { RawDownloader, request } from './support/downloader.js';
import { TestFolder } from './support/folder.js';
import { inState } from './support/in-state.js';
import { overriding } from './support/overriding.js';
import { notedIn } from './support/status.js';
import { Uploader } from './support/uploader.js';

const KIB = 1024;
const PIECE = 64 * KIB;
/** Five pieces, the last one short. */
const data = bytesOf(4 * PIECE + 1000);

let seed: TestFolder;
let metainfo: Metainfo;
let uploader: Uploader;
let agent: DownloadAgent;

beforeEach(async () => {
  seed = await TestFolder.make();
  metainfo = metainfoOf(data, PIECE);
  uploader = await Uploader.start(metainfo, await seed.write('file.bin', data));
  agent = await DownloadAgent.start();
  agent.tracker.add(uploader.named());
});

afterEach(async () => {
  await agent.stop();
  await uploader.stop();
  await seed.remove();
});

const target = (): string => agent.folder.at('downloads', metainfo.name);
const statusFile = (): string => agent.folder.at('data', 'download_status.json');

interface StatusFile {
  transfers: Record<string, unknown>[];
}

async function status(): Promise<StatusFile> {
  return JSON.parse(await readFile(statusFile(), 'utf8')) as StatusFile;
}

/** Stops the agent, as if it had been killed before it wrote the changes that `before` reverts, and restarts it. */
async function restartedAsBefore(before: Record<string, unknown>): Promise<Transfer> {
  await agent.halt();
  const { transfers, ...rest } = await status();
  await writeFile(
    statusFile(),
    JSON.stringify({ ...rest, transfers: transfers.map((one) => ({ ...one, ...before })) }),
  );
  return restarted();
}

async function restarted(): Promise<Transfer> {
  agent = await DownloadAgent.start(agent.folder);
  return agent.transfers.get(metainfo.infohash);
}

const NOT_NOTED = { complete: false, in_place: false, fingerprint: '', completed_at: null };

it.each([
  ['without piece layers', (info: string) => `d${info}e`],
  ['with none of its piece layers, and a line feed', (info: string) => `d${info}12:piece layersdee\n`],
])('a torrent %s is downloaded: peers have the rest', async (_, torrent) => {
  const [, info = ''] = /^d(4:info.*)12:piece layersd/s.exec(metainfo.bytes.toString('latin1')) ?? [];
  const source = { kind: 'metainfo', bytes: Buffer.from(torrent(info), 'latin1') } as const;
  const { transfer } = await agent.transfers.download(source, { outputDir: '' });
  expect(transfer.record).toMatchObject({ name: metainfo.name, sizeBytes: data.length });
  expect((await agent.finished(transfer)).equals(data)).toBe(true);
  expect(transfer.infohash).toBe(metainfo.infohash);
});

it('a pause requested before a download fails is its final state', async () => {
  let open: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  await agent.halt();
  let tries = 0;
  agent = await DownloadAgent.start(agent.folder, {
    stores: (disk) =>
      overriding(disk, {
        rehearse: async (...args) => {
          tries += 1;
          if (tries === 1) return disk.rehearse(...args);
          await gate;
          throw new EnjambreError('denied', 'PATH_NOT_WRITABLE', 'read-only');
        },
      }),
  });
  const transfer = await agent.download(metainfo);
  await waitFor(() => tries === 2, { what: 'the disk to be tried' });
  const told: string[] = [];
  const end = agent.transfers.watch(transfer.infohash, () => told.push(transfer.state));
  // It does something else for as long as it takes to fail.
  const busy = transfer.amend(async () => {
    open();
    await transfer.settled();
    return {};
  });
  await Promise.all([busy, transfer.pause()]);
  await transfer.amend(() => Promise.resolve({})); // Earlier requests are done.
  end();
  expect(transfer.view()).toMatchObject({ state: 'paused', message: '' });
  expect(told).not.toContain('failed');
});

describe('a complete download', () => {
  it('is recorded as complete before any listener learns it', async () => {
    const transfer = await agent.download(metainfo);
    let noted: unknown;
    await new Promise<void>((resolve) => {
      agent.transfers.watch(metainfo.infohash, () => {
        if (transfer.state !== 'seeding' || noted !== undefined) return;
        noted = false;
        void notedIn(agent.folder.at('data')).then(([record]) => {
          noted = record?.complete;
          resolve();
        });
      });
    });
    expect(noted).toBe(true);
  });

  it('has announced every piece to its uploader before it leaves', async () => {
    const { superSeeding } = uploader.serving.upload;
    const known = new Set<number>();
    const [learn, leave] = [superSeeding.learn.bind(superSeeding), superSeeding.leave.bind(superSeeding)];
    jest.spyOn(superSeeding, 'learn').mockImplementation((member, pieces) => {
      const all = [...pieces];
      for (const piece of all) known.add(piece);
      learn(member, all);
    });
    const leaves = new Promise<void>((resolve) => {
      jest.spyOn(superSeeding, 'leave').mockImplementation((member) => {
        leave(member);
        resolve();
      });
    });
    await agent.finished(await agent.download(metainfo));
    await leaves;
    expect([...known].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('is found again if the process was killed between the rename and the record', async () => {
    await agent.finished(await agent.download(metainfo));
    const transfer = await restartedAsBefore(NOT_NOTED);
    await inState(transfer, 'seeding'); // No peer could have sent it again.
    expect(transfer.record).toMatchObject({ complete: true, inPlace: true });
    expect((await readFile(target())).equals(data)).toBe(true);
  });

  it('does not treat another file of its name as its own, nor touch it', async () => {
    await agent.finished(await agent.download(metainfo));
    const other = Buffer.alloc(data.length, 7);
    await agent.halt();
    await writeFile(target(), other);
    agent = await DownloadAgent.start(agent.folder);
    await agent.halt();
    await writeFile(target(), other);
    const transfer = await restartedAsBefore(NOT_NOTED);
    await inState(transfer, 'failed');
    expect(transfer.view().message).toMatch(/already exists: move it away/);
    expect((await readFile(target())).equals(other)).toBe(true);
  });

  it('takes over an identical file of its name, and downloads nothing', async () => {
    await agent.folder.write('downloads/file.bin', data);
    const transfer = await agent.download(metainfo);
    await inState(transfer, 'seeding');
    expect(transfer.record).toMatchObject({ inPlace: true, downloadedBytes: 0 });
  });

  it('takes over what another agent has put there meanwhile', async () => {
    uploader.reads.hold();
    const transfer = await agent.download(metainfo);
    await waitFor(() => uploader.reads.started > 0, { what: 'the download' });
    await agent.folder.write('downloads/file.bin', data);
    uploader.reads.release();
    await inState(transfer, 'seeding');
    expect(await agent.folder.tree()).not.toContainEqual(expect.stringContaining('.incomplete'));
    const served = Buffer.alloc(PIECE);
    await transfer.serving!.read({ piece: 1, begin: 0 }, served);
    expect(served.equals(data.subarray(PIECE, 2 * PIECE))).toBe(true);
  });

  it('that cannot be renamed is kept when it is removed, and its parts are not', async () => {
    uploader.reads.hold();
    const transfer = await agent.download(metainfo);
    await waitFor(() => uploader.reads.started > 0, { what: 'the download' });
    await agent.folder.write('downloads/file.bin', 'mine');
    uploader.reads.release();
    await inState(transfer, 'failed');
    const { path } = transfer.view();
    await agent.transfers.remove(transfer, false);
    expect((await readFile(path)).equals(data)).toBe(true);
    expect(await readFile(target(), 'utf8')).toBe('mine');
  });

  it('has no rate and no problem once it is over', async () => {
    const transfer = await agent.download(metainfo);
    await agent.finished(transfer);
    expect(transfer.view()).toMatchObject({ downloadRate: 0, message: '' });
  });

  it('is refused for the name of the folder where downloads are assembled', async () => {
    const reserved = metainfoOf(data, PIECE, '.incomplete');
    const source = { kind: 'metainfo', bytes: reserved.bytes } as const;
    await expect(
      agent.transfers.download(source, { outputDir: '', name: '.incomplete' }),
    ).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_NAME' });
  });

  it('no longer counts its sources as connected', async () => {
    const transfer = await agent.download(metainfo);
    await agent.finished(transfer);
    expect(transfer.view().peers).toMatchObject([
      { name: 'uploader', connected: false, received: data.length },
    ]);
  });

  it('is fetched again when its file was deleted and it is requested again', async () => {
    const transfer = await agent.download(metainfo);
    await agent.finished(transfer);
    await rm(target());
    const { already } = await agent.transfers.download(
      { kind: 'metainfo', bytes: metainfo.bytes },
      { outputDir: '' },
    );
    expect(already).toBe(false);
    await waitFor(() => transfer.record.complete && transfer.state === 'seeding', {
      what: 'the second download',
    });
    expect((await readFile(target())).equals(data)).toBe(true);
  });

  it('is not silently moved to another folder', async () => {
    await agent.finished(await agent.download(metainfo));
    const again = agent.transfers.download(
      { kind: 'metainfo', bytes: metainfo.bytes },
      { outputDir: agent.folder.at('other') },
    );
    await expect(again).rejects.toMatchObject({ code: 'precondition', reason: 'ELSEWHERE' });
    const same = agent.transfers.download(
      { kind: 'metainfo', bytes: metainfo.bytes },
      { outputDir: agent.folder.at('downloads') },
    );
    expect(await same).toMatchObject({ already: true });
  });
});

describe('content that changes while it is shared', () => {
  /** Other bytes of the same length, and another time even on a coarse clock. */
  async function changeIt(path: string): Promise<void> {
    await writeFile(path, Buffer.alloc(data.length, 1));
    await utimes(path, new Date(), new Date(Date.now() + 5000));
  }

  /** A file to share, and how. */
  async function original() {
    const path = await agent.folder.write('original.bin', data);
    const { signal } = new AbortController();
    return { path, share: { path, name: '', pieceLength: PIECE, signal, progress: () => undefined } };
  }

  it('is detected by a check, withdrawn, and served again when it is shared again', async () => {
    const { path, share } = await original();
    const { transfer } = await agent.transfers.share(share);
    await inState(transfer, 'seeding');
    await changeIt(path);
    await inState(transfer, 'failed');
    expect(transfer.view().message).toMatch(/is no longer what was shared: share it again/);
    const again = await agent.transfers.share(share);
    await inState(again.transfer, 'seeding');
    expect(agent.transfers.list()).toEqual([again.transfer]);
  });

  it('counts as far as a check found it, even after a restart', async () => {
    const { path, share } = await original();
    const { transfer, metainfo: its } = await agent.transfers.share(share);
    await inState(transfer, 'seeding');
    const damaged = Buffer.from(data);
    damaged[PIECE + 7]! ^= 1;
    await writeFile(path, damaged);
    await transfer.verify();
    await inState(transfer, 'failed');
    const found = { donePieceCount: 4, pieceCount: 5, record: { doneBytes: data.length - PIECE } };
    expect(transfer.view()).toMatchObject(found);
    await agent.halt();
    agent = await DownloadAgent.start(agent.folder);
    expect(agent.transfers.get(its.infohash).view()).toMatchObject(found);
  });

  it('is detected when it is gone', async () => {
    const { path, share } = await original();
    const { transfer } = await agent.transfers.share(share);
    await inState(transfer, 'seeding');
    await rm(path);
    await inState(transfer, 'missing');
    expect(transfer.view().message).toMatch(/original\.bin is missing: mount its disk or restore it/);
  });

  it('is never served as its original: a read detects it before the scrub does', async () => {
    const path = seed.at('file.bin');
    await uploader.seal();
    await changeIt(path);
    const fetch = new RawDownloader(uploader).greetedFetch().say(request(1, 0, 0, PIECE));
    await fetch.hear('reject');
    expect(uploader.damages).toMatchObject([{ reason: 'CONTENT_CHANGED' }]);
  });
});

it('stops for good when it is stopped during its first save', async () => {
  let saving = false;
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await agent.stop();
  const hold = (progress: ProgressLog): ProgressLog => ({
    load: (count) => progress.load(count),
    note: (piece) => progress.note(piece),
    clear: () => progress.clear(),
    save: async (have) => {
      saving = true;
      await held;
      await progress.save(have);
    },
  });
  const archive = (of: TransferArchive): TransferArchive =>
    overriding(of, { progress: (infohash) => hold(of.progress(infohash)) });
  agent = await DownloadAgent.start(undefined, { archive });
  agent.tracker.add(uploader.named());
  const transfer = await agent.download(metainfo);
  await waitFor(() => saving, { what: 'the first save' });
  const paused = transfer.pause();
  release();
  await paused;
  expect(transfer.state).toBe('paused');
  expect(agent.tracker.isWatched).toBe(false);
  await transfer.resume();
  await agent.finished(transfer);
});
