import { appendFile, mkdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, folderMetainfo, metainfoOf } from './support/content.js';
import { DownloadAgent, type AgentParts } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { inState } from './support/in-state.js';
import { Uploader } from './support/uploader.js';

const PIECE = 64 * 1024;
/** Five pieces, the last one short. */
const data = bytesOf(4 * PIECE + 1000);
const metainfo = metainfoOf(data, PIECE);

let seed: TestFolder;
let agent: DownloadAgent;
let uploaders: Uploader[];

beforeEach(async () => {
  seed = await TestFolder.make();
  uploaders = [];
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await agent.stop();
  for (const uploader of uploaders) await uploader.stop();
  await seed.remove();
});

async function addUploader(of: Metainfo = metainfo, has?: number[]): Promise<Uploader> {
  const path = of.isFolder ? seed.at(of.name) : await seed.write(of.name, data);
  const uploader = await Uploader.start(of, path, has === undefined ? {} : { has });
  uploaders.push(uploader);
  agent.tracker.add(uploader.named());
  return uploader;
}

/** Stops the agent, calls `between`, and starts it again. */
async function restarted(between: () => Promise<unknown>, parts: AgentParts = {}): Promise<void> {
  await agent.halt();
  await between();
  agent = await DownloadAgent.start(agent.folder, parts);
}

const target = (name = metainfo.name): string => agent.folder.at('downloads', name);
const again = (of = metainfo): Transfer => agent.transfers.get(of.infohash);

/** An unmounted disk leaves an empty folder behind. */
async function unmount(folder: string): Promise<void> {
  await rename(agent.folder.at(folder), agent.folder.at('unmounted'));
  await mkdir(agent.folder.at(folder));
}

async function mount(folder: string): Promise<void> {
  await rm(agent.folder.at(folder), { recursive: true });
  await rename(agent.folder.at('unmounted'), agent.folder.at(folder));
}

async function shared(): Promise<Transfer> {
  const path = await agent.folder.write('original.bin', data);
  const { signal } = new AbortController();
  const options = { path, name: '', pieceLength: PIECE, signal, progress: () => undefined };
  return (await agent.transfers.share(options)).transfer;
}

/** Time for several checks of missing content. */
async function looksPass(transfer: Transfer): Promise<void> {
  const endMs = Date.now() + 300;
  await waitFor(() => Date.now() > endMs, { what: 'some looks' });
  expect(transfer.state).toBe('missing');
}

describe('a complete download whose disk is not mounted at the start', () => {
  beforeEach(async () => {
    await addUploader();
    await agent.finished(await agent.download(metainfo));
  });

  it('is not fetched again although another peer has it, and seeds when the disk is back', async () => {
    await restarted(() => unmount('downloads'));
    agent.tracker.add(...uploaders.map((uploader) => uploader.named()));
    await inState(again(), 'missing');
    expect(again().view().message).toBe(
      `${target()} is missing: mount its disk or restore it, and it is shared again`,
    );
    await looksPass(again());
    expect(await agent.folder.tree()).not.toContainEqual(expect.stringMatching(/^downloads\/./));
    await mount('downloads');
    await inState(again(), 'seeding');
    expect(again().record).toMatchObject({ complete: true, downloadedBytes: data.length });
    expect(agent.tracker.said).toEqual(['withdraw', 'shared']);
  });

  it('is still missing after another restart, and is not forgotten', async () => {
    await restarted(() => unmount('downloads'));
    await inState(again(), 'missing');
    await restarted(() => Promise.resolve());
    await inState(again(), 'missing');
    await restarted(() => mount('downloads'));
    await inState(again(), 'seeding');
  });

  it('is missing even when the status file was lost', async () => {
    await restarted(async () => {
      await unmount('downloads');
      await rm(agent.folder.at('data', 'download_status.json'));
    });
    await inState(again(), 'missing');
    await mount('downloads');
    await inState(again(), 'seeding');
  });

  it.each(['verify', 'get'] as const)('is fetched again by %s', async (how) => {
    await restarted(() => unmount('downloads'));
    agent.tracker.add(...uploaders.map((uploader) => uploader.named()));
    await inState(again(), 'missing');
    if (how === 'verify') await again().verify();
    else {
      const { already } = await agent.transfers.download(
        { kind: 'metainfo', bytes: metainfo.bytes },
        { outputDir: '' },
      );
      expect(already).toBe(false);
    }
    expect((await agent.finished(again())).equals(data)).toBe(true);
  });

  it('is only checked again by resume', async () => {
    await restarted(() => unmount('downloads'), { missingLookMs: 1e6 });
    await inState(again(), 'missing');
    await again().resume();
    await inState(again(), 'missing');
    await mount('downloads');
    await again().resume();
    await inState(again(), 'seeding');
  });

  it('can be paused and resumed, and stays missing', async () => {
    await restarted(() => unmount('downloads'));
    await inState(again(), 'missing');
    await again().pause();
    expect(again().view()).toMatchObject({ state: 'paused', message: '' });
    await again().resume();
    await inState(again(), 'missing');
  });

  it('is not overwritten with its original content when something else is there', async () => {
    await restarted(() => unmount('downloads'));
    agent.tracker.add(...uploaders.map((uploader) => uploader.named()));
    await inState(again(), 'missing');
    await writeFile(target(), Buffer.alloc(data.length, 7));
    await inState(again(), 'failed');
    expect(again().view().message).toMatch(/is no longer what was shared/);
    expect((await readFile(target())).equals(Buffer.alloc(data.length, 7))).toBe(true);
  });

  it('is hashed when it is back with other times, after it has stopped growing', async () => {
    // Two equal checks are a second apart, longer than what follows takes.
    await restarted(() => unmount('downloads'), { missingLookMs: 1000 });
    await inState(again(), 'missing');
    for (let from = 0; from < data.length; from += PIECE) {
      await appendFile(target(), data.subarray(from, from + PIECE));
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (from + PIECE < data.length) expect(again().state).toBe('missing');
    }
    await inState(again(), 'seeding');
  });
});

describe('a complete download that was edited while the agent was not running', () => {
  it('is left unchanged, with that reason', async () => {
    await addUploader();
    await agent.finished(await agent.download(metainfo));
    const edited = Buffer.from(data);
    edited[PIECE + 5]! ^= 1;
    await restarted(() => writeFile(target(), edited));
    agent.tracker.add(...uploaders.map((uploader) => uploader.named()));
    await inState(again(), 'failed');
    expect((await readFile(target())).equals(edited)).toBe(true);
    await again().resume();
    expect((await agent.finished(again())).equals(data)).toBe(true);
  });
});

describe('a share', () => {
  it('that is missing at the start is waited for, and served again', async () => {
    const { infohash } = await shared();
    await restarted(() => rename(agent.folder.at('original.bin'), agent.folder.at('away.bin')));
    const transfer = agent.transfers.get(infohash);
    await inState(transfer, 'missing');
    expect(transfer.view().message).toMatch(/original\.bin is missing: .* it is shared again/);
    await rename(agent.folder.at('away.bin'), agent.folder.at('original.bin'));
    await inState(transfer, 'seeding');
    const served = Buffer.alloc(PIECE);
    await transfer.serving!.read({ piece: 1, begin: 0 }, served);
    expect(served.equals(data.subarray(PIECE, 2 * PIECE))).toBe(true);
  });

  it('that vanishes while the agent runs is withdrawn, and announced as shared when it is back', async () => {
    const transfer = await shared();
    await rename(agent.folder.at('original.bin'), agent.folder.at('away.bin'));
    await inState(transfer, 'missing');
    expect(transfer.serving).toBeUndefined();
    await rename(agent.folder.at('away.bin'), agent.folder.at('original.bin'));
    await inState(transfer, 'seeding');
    expect(agent.tracker.said).toEqual(['started', 'withdraw', 'shared']);
  });

  it('that vanishes while it is read is missing, not changed', async () => {
    const transfer = await shared();
    const piece = Buffer.alloc(PIECE);
    // The file stays open for the next read.
    await transfer.serving!.read({ piece: 0, begin: 0 }, piece);
    const { serving } = transfer;
    await rename(agent.folder.at('original.bin'), agent.folder.at('away.bin'));
    await expect(serving!.read({ piece: 1, begin: 0 }, piece)).rejects.toMatchObject({
      code: 'precondition',
    });
    await inState(transfer, 'missing');
  });

  it('that is missing is downloaded by get, to its old place or elsewhere', async () => {
    const { infohash } = await shared();
    const { name } = again({ ...metainfo, infohash });
    const of = metainfoOf(data, PIECE, name);
    await addUploader(of);
    await rm(agent.folder.at('original.bin'));
    await inState(again(of), 'missing');
    const source = { kind: 'ref', ref: infohash } as const;
    const refused = agent.transfers.download(source, { outputDir: '/proc/nowhere' });
    await expect(refused).rejects.toThrow(/\/proc\/nowhere/);
    await inState(again(of), 'missing');

    await agent.transfers.download(source, { outputDir: '' });
    await inState(again(of), 'seeding');
    expect((await readFile(agent.folder.at('original.bin'))).equals(data)).toBe(true);
    expect(again(of).record).toMatchObject({ origin: false, location: agent.folder.path });

    await rm(agent.folder.at('original.bin'));
    await inState(again(of), 'missing');
    await agent.transfers.download(source, { outputDir: agent.folder.at('elsewhere') });
    await inState(again(of), 'seeding');
    expect((await readFile(agent.folder.at('elsewhere', name))).equals(data)).toBe(true);
  });

  it('that comes back with other content says so', async () => {
    const transfer = await shared();
    await rm(agent.folder.at('original.bin'));
    await inState(transfer, 'missing');
    await writeFile(agent.folder.at('original.bin'), 'something else');
    await inState(transfer, 'failed');
    expect(transfer.view().message).toMatch(/is no longer what was shared/);
  });

  it('that comes back with other times is hashed, and served', async () => {
    const transfer = await shared();
    const path = agent.folder.at('original.bin');
    await rm(path);
    await inState(transfer, 'missing');
    await writeFile(path, data);
    await utimes(path, 1000, 1000);
    await inState(transfer, 'seeding');
  });

  it('that is missing does not prevent other shares', async () => {
    const { infohash } = await shared();
    await restarted(() => rm(agent.folder.at('original.bin')));
    await inState(agent.transfers.get(infohash), 'missing');
    const path = await agent.folder.write('moved.bin', data);
    const { signal } = new AbortController();
    const options = { path, name: 'original.bin', pieceLength: PIECE, signal, progress: () => undefined };
    const { transfer } = await agent.transfers.share(options);
    expect(transfer).toMatchObject({ infohash, state: 'seeding' });
  });
});

describe('a folder with one missing file', () => {
  const files = { 'a.bin': bytesOf(PIECE, 1), 'b.bin': bytesOf(PIECE, 2), 'deep/c.bin': bytesOf(PIECE, 3) };
  const tree = folderMetainfo(files, PIECE, 'tree');

  it('waits for the file, names it and fetches nothing', async () => {
    for (const [name, bytes] of Object.entries(files)) await seed.write(`tree/${name}`, bytes);
    await addUploader(tree);
    await inState(await agent.download(tree), 'seeding');
    const path = target('tree/deep/c.bin');
    await restarted(() => rename(path, agent.folder.at('aside')));
    agent.tracker.add(...uploaders.map((uploader) => uploader.named()));
    await inState(again(tree), 'missing');
    expect(again(tree).view().message).toContain(`${path} is missing`);
    await looksPass(again(tree));
    await rename(agent.folder.at('aside'), path);
    await inState(again(tree), 'seeding');
    expect(again(tree).record.downloadedBytes).toBe(3 * PIECE);
  });
});

describe('a download in progress whose disk is not mounted at the start', () => {
  async function begun(): Promise<void> {
    await addUploader(metainfo, [0, 1, 2]);
    const transfer = await agent.download(metainfo);
    await waitFor(() => transfer.view().donePieceCount === 3, { what: 'three pieces', everyMs: 5 });
  }

  it('does not restart in the underlying folder, and resumes where it stopped when the disk is back', async () => {
    await begun();
    await restarted(() => unmount('downloads'));
    await addUploader();
    await inState(again(), 'missing');
    expect(again().view().message).toMatch(/\.incomplete.* is missing: .* the download resumes/);
    await looksPass(again());
    expect(await agent.folder.tree()).not.toContainEqual(expect.stringMatching(/^downloads\/./));
    await mount('downloads');
    expect((await agent.finished(again())).equals(data)).toBe(true);
    expect(again().record.downloadedBytes).toBe(data.length);
  });

  it('starts again on request', async () => {
    await begun();
    await restarted(() => unmount('downloads'));
    await addUploader();
    await inState(again(), 'missing');
    const { already } = await agent.transfers.download(
      { kind: 'metainfo', bytes: metainfo.bytes },
      { outputDir: '' },
    );
    expect(already).toBe(false);
    expect((await agent.finished(again())).equals(data)).toBe(true);
  });

  it('starts where nothing existed yet', async () => {
    await agent.download(metainfo);
    await restarted(() => unmount('downloads'));
    await addUploader();
    expect((await agent.finished(again())).equals(data)).toBe(true);
  });
});
