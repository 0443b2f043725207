import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger, type Logger } from '@enjambre/common/log/logger';
import { EnjambreError } from '@enjambre/core/error';
import { waitFor } from '@enjambre/harness/wait-for';
import type { PieceStore } from '../src/app/ports/piece-store.js';
import type { StoreFactory } from '../src/app/ports/store-factory.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { overriding } from './support/overriding.js';
import { Uploader } from './support/uploader.js';

const PIECE = 64 * 1024;
const data = bytesOf(4 * PIECE + 1000);
const metainfo = metainfoOf(data, PIECE);

let agent: DownloadAgent;

beforeEach(async () => {
  agent = await DownloadAgent.start();
});

afterEach(() => agent.stop());

const at = (path: string): string => agent.folder.at(path);

/** Writes the content to a path and shares it. */
async function shareAt(path: string): Promise<Transfer> {
  await agent.folder.write(path, data);
  const { signal } = new AbortController();
  const options = { path: at(path), name: 'file.bin', pieceLength: PIECE, signal, progress: () => undefined };
  return (await agent.transfers.share(options)).transfer;
}

async function restarted(between: () => Promise<unknown>): Promise<Transfer> {
  await agent.halt();
  await between();
  agent = await DownloadAgent.start(agent.folder);
  return agent.transfers.get(metainfo.infohash);
}

const until = (transfer: Transfer, state: Transfer['state'], path: string): Promise<boolean> =>
  waitFor(() => transfer.state === state && transfer.view().path === at(path), {
    what: `${path} to be ${state}`,
    everyMs: 5,
    seen: () => [transfer.state, transfer.view().path, transfer.view().message],
  });

async function servesIt(transfer: Transfer): Promise<void> {
  const served = Buffer.alloc(PIECE);
  await transfer.serving!.read({ piece: 1, begin: 0 }, served);
  expect(served.equals(data.subarray(PIECE, 2 * PIECE))).toBe(true);
}

const copies = (transfer: Transfer): string[] => transfer.record.copies.map(({ location }) => location);

describe('content shared from two places', () => {
  let transfer: Transfer;

  beforeEach(async () => {
    transfer = await shareAt('1/m.bin');
    expect(await shareAt('2/m.bin')).toBe(transfer);
  });

  it('is one transfer that knows both', () => {
    expect(transfer.view().path).toBe(at('1/m.bin'));
    expect(copies(transfer)).toEqual([at('2/m.bin')]);
  });

  it('is served from the other when one is deleted, and is not withdrawn', async () => {
    await rm(at('1/m.bin'));
    await until(transfer, 'seeding', '2/m.bin');
    await servesIt(transfer);
    expect(agent.tracker.said).toEqual(['started', 'update']);
  });

  it('is served from the other when one changes', async () => {
    await writeFile(at('1/m.bin'), Buffer.alloc(data.length, 7));
    await until(transfer, 'seeding', '2/m.bin');
    await servesIt(transfer);
  });

  it('is served from the first as before when the other is deleted', async () => {
    await rm(at('2/m.bin'));
    const again = await restarted(() => Promise.resolve());
    await until(again, 'seeding', '1/m.bin');
  });

  it('is served from the other when one is missing at the start, even if the status file is lost', async () => {
    const again = await restarted(async () => {
      await rm(at('1/m.bin'));
      await rm(agent.folder.at('data/download_status.json'));
    });
    await until(again, 'seeding', '2/m.bin');
  });

  it('is missing when both are gone, and served from whichever comes back', async () => {
    await rename(at('1/m.bin'), at('1/away'));
    await until(transfer, 'seeding', '2/m.bin');
    await rename(at('2/m.bin'), at('2/away'));
    await until(transfer, 'missing', '2/m.bin');
    await rename(at('1/away'), at('1/m.bin'));
    await until(transfer, 'seeding', '1/m.bin');
  });

  it('waits for the other when one has changed and the other is unavailable', async () => {
    await rename(at('2/m.bin'), at('2/away'));
    await writeFile(at('1/m.bin'), Buffer.alloc(data.length, 7));
    await until(transfer, 'missing', '2/m.bin');
    await rename(at('2/away'), at('2/m.bin'));
    await until(transfer, 'seeding', '2/m.bin');
    expect(copies(transfer)).toEqual([]);
  });

  it('fails only when all have changed', async () => {
    await writeFile(at('2/m.bin'), Buffer.alloc(data.length, 8));
    await writeFile(at('1/m.bin'), Buffer.alloc(data.length, 7));
    await waitFor(() => transfer.state === 'failed', { what: 'the end', seen: () => transfer.view() });
    expect(transfer.view().message).toMatch(/is no longer what was shared/);
  });

  it('keeps the other when the new content of one is shared', async () => {
    const other = Buffer.alloc(data.length, 7);
    await writeFile(at('1/m.bin'), other);
    const { signal } = new AbortController();
    const options = { path: at('1/m.bin'), name: '', pieceLength: PIECE, signal, progress: () => undefined };
    const second = (await agent.transfers.share(options)).transfer;
    await until(transfer, 'seeding', '2/m.bin');
    expect(second.infohash).not.toBe(transfer.infohash);
    expect(copies(transfer)).toEqual([]);
    expect(agent.transfers.list()).toHaveLength(2);
  });

  it('keeps both when it is shared again while it is missing', async () => {
    await rename(at('1/m.bin'), at('1/away'));
    await rename(at('2/m.bin'), at('2/away'));
    await waitFor(() => transfer.state === 'missing', { what: 'both to be missed' });
    const third = await shareAt('3/m.bin');
    expect(copies(third).sort()).toEqual([at('1/m.bin'), at('2/m.bin')]);
    await rename(at('2/away'), at('2/m.bin'));
    await rm(at('3/m.bin'));
    await until(third, 'seeding', '2/m.bin');
  });
});

describe('a stopped transfer with a withdrawn copy', () => {
  beforeEach(async () => {
    await shareAt('1/m.bin');
    await shareAt('2/m.bin');
  });

  it('stays paused, even through a restart, and is served from the other once it is resumed', async () => {
    const transfer = agent.transfers.get(metainfo.infohash);
    await transfer.pause();
    await agent.transfers.withdraw(transfer, at('1/m.bin'));
    expect(transfer.view()).toMatchObject({ state: 'paused', path: at('2/m.bin') });
    const again = await restarted(() => Promise.resolve());
    await until(again, 'paused', '2/m.bin');
    expect(agent.tracker.said).toEqual([]);
    await again.resume();
    await until(again, 'seeding', '2/m.bin');
    await servesIt(again);
  });

  it('stays failed with its reason, and is served from the other once it is resumed', async () => {
    await agent.halt();
    const broken = (store: PieceStore): PieceStore =>
      overriding(store, {
        survey: () => Promise.reject(new EnjambreError('internal', 'DISK_FAILED', 'broken')),
      });
    const stores = (disk: StoreFactory): StoreFactory =>
      overriding(disk, {
        original: (its, path) =>
          path === at('1/m.bin') ? broken(disk.original(its, path)) : disk.original(its, path),
      });
    agent = await DownloadAgent.start(agent.folder, { stores });
    const transfer = agent.transfers.get(metainfo.infohash);
    await until(transfer, 'failed', '1/m.bin');
    await agent.transfers.withdraw(transfer, at('1/m.bin'));
    expect(transfer.view()).toMatchObject({ state: 'failed', path: at('2/m.bin'), message: 'broken' });
    await transfer.resume();
    await until(transfer, 'seeding', '2/m.bin');
    expect(transfer.view().message).toBe('');
  });
});

describe('the place of a transfer that uses another copy', () => {
  /** The same name with other bytes. */
  const other = metainfoOf(bytesOf(data.length, 2), PIECE, 'm.bin');
  const download = async (folder: string): Promise<unknown> =>
    agent.transfers.download({ kind: 'metainfo', bytes: other.bytes }, { outputDir: at(folder) });

  it.each(['deleted', 'withdrawn'])('is that of the copy once the first is %s', async (how) => {
    const transfer = await shareAt('1/m.bin');
    await shareAt('2/m.bin');
    if (how === 'withdrawn') await agent.transfers.withdraw(transfer, at('1/m.bin'));
    await rm(at('1/m.bin'));
    await until(transfer, 'seeding', '2/m.bin');
    await rename(at('2/m.bin'), at('2/away'));
    await until(transfer, 'missing', '2/m.bin');
    await expect(download('2')).rejects.toMatchObject({ reason: 'TARGET_TAKEN' });
    await expect(download('1')).resolves.toBeDefined();
  });
});

describe('a download with a shared copy', () => {
  it('is served from the copy when the downloaded content is gone, and announces it as a share', async () => {
    const seed = await TestFolder.make();
    const uploader = await Uploader.start(metainfo, await seed.write('file.bin', data));
    try {
      agent.tracker.add(uploader.named());
      const transfer = await agent.download(metainfo);
      await agent.finished(transfer);
      expect(await shareAt('copy/file.bin')).toBe(transfer);
      await rm(at('downloads/file.bin'));
      await until(transfer, 'seeding', 'copy/file.bin');
      expect(transfer.record).toMatchObject({ origin: true, downloadedBytes: data.length });
      await rm(at('copy/file.bin'));
      await agent.folder.write('downloads/file.bin', data);
      await until(transfer, 'seeding', 'downloads/file.bin');
      expect(transfer.record.origin).toBe(false);
      expect((await readFile(at('downloads/file.bin'))).equals(data)).toBe(true);
    } finally {
      await uploader.stop();
      await seed.remove();
    }
  });

  it('that is shared from its own place has no copy', async () => {
    await shareAt('x/file.bin');
    const transfer = await shareAt('x/file.bin');
    expect(copies(transfer)).toEqual([]);
  });
});

it('at most sixteen places are kept', async () => {
  for (let copy = 0; copy < 18; copy++) await shareAt(`${copy}/m.bin`);
  const transfer = agent.transfers.get(metainfo.infohash);
  expect(copies(transfer)).toHaveLength(15);
  expect(copies(transfer)[0]).toBe(at('17/m.bin'));
});

describe('a useless copy', () => {
  it('leaves the transfer missing after it was hashed', async () => {
    const transfer = await shareAt('1/m.bin');
    await shareAt('2/m.bin');
    await rename(at('2/m.bin'), at('2/away'));
    await rm(at('1/m.bin'));
    await until(transfer, 'missing', '1/m.bin');
    const checked: string[] = [];
    const end = agent.transfers.watch(transfer.infohash, () => checked.push(transfer.state));
    await writeFile(at('2/m.bin'), Buffer.alloc(data.length, 7));
    await waitFor(() => checked.includes('checking'), { what: 'the copy to be hashed', everyMs: 5 });
    await until(transfer, 'missing', '1/m.bin');
    end();
  });

  it('is retried after growing delays if it cannot be read, and logged once', async () => {
    await shareAt('1/m.bin');
    await shareAt('2/m.bin');
    await agent.halt();
    await rm(at('1/m.bin'));
    await writeFile(at('2/m.bin'), data);
    const tries: number[] = [];
    const warnings: string[] = [];
    let isBroken = true;
    const log: Logger = overriding(createLogger({ name: 'agent', level: 'silent' }), {
      warn: (...args: unknown[]) => void warnings.push(String(args.at(-1))),
    });
    const broken = (store: PieceStore): PieceStore =>
      overriding(store, {
        hashPiece: async (piece) => {
          if (!isBroken) return store.hashPiece(piece);
          if (piece === 0) tries.push(performance.now());
          return Promise.reject(new Error('input/output error'));
        },
      });
    const stores = (disk: StoreFactory): StoreFactory =>
      overriding(disk, {
        original: (its, path) => {
          const store = disk.original(its, path);
          return path === at('2/m.bin') ? broken(store) : store;
        },
      });
    agent = await DownloadAgent.start(agent.folder, { stores, log });
    const transfer = agent.transfers.get(metainfo.infohash);
    await waitFor(() => tries.length === 3, { what: 'three tries', seen: () => tries });
    expect(tries[1]! - tries[0]!).toBeGreaterThanOrEqual(1000);
    expect(tries[2]! - tries[1]!).toBeGreaterThanOrEqual(2000);
    expect(warnings.filter((text) => text.includes('cannot be read'))).toEqual([
      expect.stringContaining(`${at('2/m.bin')}, another copy, cannot be read`),
    ]);
    isBroken = false;
    await writeFile(at('2/m.bin'), data);
    await until(transfer, 'seeding', '2/m.bin');
  });
});

it('a copy that changes while it is hashed is refused, and does not count as complete', async () => {
  const transfer = await shareAt('1/m.bin');
  const hash = agent.hasher.hash.bind(agent.hasher);
  agent.hasher.hash = async (...args) => {
    const hashed = await hash(...args);
    await writeFile(at('2/m.bin'), Buffer.alloc(data.length, 7));
    return hashed;
  };
  await expect(shareAt('2/m.bin')).rejects.toMatchObject({ reason: 'CHANGED_WHILE_READ' });
  expect(copies(transfer)).toEqual([]);
  expect(transfer.state).toBe('seeding');
});
