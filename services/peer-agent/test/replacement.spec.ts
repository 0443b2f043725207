import { open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { SYSTEM_CLOCK, type Clock } from '@enjambre/common/async/clock';
import { createLogger } from '@enjambre/common/log/logger';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { DiskFiles } from '../src/adapters/disk/disk-files.js';
import type { Publication } from '../src/domain/publication.js';
import type { DownloadOptions } from '../src/app/transfer/transfer-options.js';
import { Following } from '../src/app/transfer/following.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf, folderMetainfo, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { peerNamed } from './support/ids.js';
import { inState } from './support/in-state.js';
import { TestFolder } from './support/folder.js';
import { Uploader } from './support/uploader.js';

const PIECE = 16 * 1024;
const NAME = 'w1.bin';
/** The content of each version, all of one size. */
const dataOf = (version: number): Buffer => bytesOf(2 * PIECE, version);
const versionOf = (version: number): Metainfo => metainfoOf(dataOf(version), PIECE, NAME);

let seed: TestFolder;
let agent: DownloadAgent;
let uploaders: Uploader[];
let following: Following | undefined;

beforeEach(async () => {
  seed = await TestFolder.make();
  agent = await DownloadAgent.start();
  uploaders = [];
});

afterEach(async () => {
  await following?.stop();
  following = undefined;
  await agent.stop();
  for (const uploader of uploaders) await uploader.stop();
  await seed.remove();
});

const target = (...names: string[]): string => agent.folder.at('downloads', NAME, ...names);

function publication(version: number, publisher = 'alice'): Publication {
  return { publisher: { id: peerNamed(publisher), name: publisher }, version, publishedAtMs: version * 1000 };
}

/** A peer uploads content. */
async function offered(metainfo: Metainfo, path: string, name: string): Promise<void> {
  const uploader = await Uploader.start(metainfo, path, { name });
  uploaders.push(uploader);
  agent.tracker.join(metainfo.infohash, uploader.named());
}

/** A publisher shares a version of the name: the older ones of its own are superseded. */
async function published(version: number, publisher = 'alice'): Promise<void> {
  const metainfo = versionOf(version);
  const { files } = agent.tracker;
  for (const [index, file] of files.entries())
    if (file.publications.some((its) => its.publisher.name === publisher))
      files[index] = { ...file, superseded: true };
  const { infohash, name, totalLength: size, pieceLength } = metainfo;
  const facts = { infohash, name, size, pieceLength, fileCount: 1, disputed: false, superseded: false };
  files.push({ ...facts, publications: [publication(version, publisher)] });
  const path = await seed.write(`${publisher}-${version}.bin`, dataOf(version));
  await offered(metainfo, path, `${publisher}-${version}`);
}

async function get(ref: string, options: Partial<DownloadOptions> = {}): Promise<Transfer> {
  return (await agent.transfers.download({ kind: 'ref', ref }, { outputDir: '', ...options })).transfer;
}

async function complete(ref: string, options: Partial<DownloadOptions> = {}): Promise<Transfer> {
  const transfer = await get(ref, options);
  await inState(transfer, 'seeding');
  return transfer;
}

const transfers = (): string[] => agent.transfers.list().map(({ infohash }) => infohash);

async function restart(files: Partial<DiskFiles> = {}): Promise<void> {
  const { folder, tracker } = agent;
  await agent.halt();
  agent = await DownloadAgent.start(folder, { files });
  agent.tracker.files.push(...tracker.files);
  for (const uploader of uploaders) agent.tracker.join(uploader.metainfo.infohash, uploader.named());
}

describe('a download that replaces an older version', () => {
  beforeEach(async () => {
    await published(1);
    await complete(NAME);
    await published(2);
  });

  it('is refused without that request, and says so', async () => {
    await expect(get(NAME)).rejects.toMatchObject({
      reason: 'TARGET_TAKEN',
      metadata: { remedy: 'replace-other' },
    });
    expect((await readFile(target())).equals(dataOf(1))).toBe(true);
  });

  it('takes its name in one step, while a reader keeps the old one', async () => {
    const reader = await open(target());
    const newer = await complete(NAME, { replace: true });
    expect((await readFile(target())).equals(dataOf(2))).toBe(true);
    expect((await reader.readFile()).equals(dataOf(1))).toBe(true);
    await reader.close();
    expect(transfers()).toEqual([versionOf(2).infohash]);
    expect(newer.record).toMatchObject({ replace: 'none', publication: publication(2), ownFiles: 'all' });
    expect(await readdir(agent.folder.at('downloads'))).toEqual([NAME]);
  });

  it('serves the old one until it is complete', async () => {
    uploaders[1]?.reads.hold();
    const newer = await get(NAME, { replace: true });
    await waitFor(() => newer.state === 'downloading', { what: 'the download', seen: () => newer.view() });
    expect(agent.transfers.find(versionOf(1).infohash)).toBeDefined();
    expect((await readFile(target())).equals(dataOf(1))).toBe(true);
    uploaders[1]?.reads.release();
    await inState(newer, 'seeding');
    expect(agent.transfers.find(versionOf(1).infohash)).toBeUndefined();
  });

  it('removes an unfinished one that it replaces', async () => {
    uploaders[1]?.reads.hold();
    await get(NAME, { replace: true });
    await published(3);
    await complete(NAME, { replace: true });
    expect(transfers()).toEqual([versionOf(3).infohash]);
    expect((await readFile(target())).equals(dataOf(3))).toBe(true);
  });

  it('is not made ambiguous by an older one that does not run', async () => {
    await agent.transfers.get(versionOf(1).infohash).pause();
    agent.tracker.files.shift();
    await complete(NAME, { replace: true });
    expect((await readFile(target())).equals(dataOf(2))).toBe(true);
  });

  it('can return to an older one', async () => {
    await complete(NAME, { replace: true });
    await complete(`${NAME}@1`, { replace: true });
    expect((await readFile(target())).equals(dataOf(1))).toBe(true);
    expect(transfers()).toEqual([versionOf(1).infohash]);
  });
});

describe('a crash of an agent that replaces a file', () => {
  it.each(['before', 'after'])('%s the rename leaves the old or the new one', async (when) => {
    await published(1);
    await complete(NAME);
    await published(2);
    let crashed = false;
    // The process would have ended here.
    await restart({
      rename: async (from, to) => {
        const isHere = String(to) === target() && !crashed;
        if (!isHere || when === 'after') await rename(from, to);
        if (!isHere) return;
        crashed = true;
        throw Object.assign(new Error('crash'), { code: 'EIO' });
      },
    });
    const newer = await get(NAME, { replace: true });
    await waitFor(() => crashed && newer.state === 'failed', { what: 'the crash', seen: () => newer.view() });
    expect((await readFile(target())).equals(dataOf(when === 'before' ? 1 : 2))).toBe(true);
    await restart();
    const again = agent.transfers.get(versionOf(2).infohash);
    await again.resume();
    await inState(again, 'seeding');
    expect((await readFile(target())).equals(dataOf(2))).toBe(true);
    expect(transfers()).toEqual([versionOf(2).infohash]);
    expect(again.record).toMatchObject({ replace: 'none', ownFiles: 'all' });
  });
});

describe('what a download replaces', () => {
  it('is any file, if that was requested', async () => {
    await published(1);
    await agent.folder.write(`downloads/${NAME}`, 'precious');
    await expect(get(NAME)).rejects.toMatchObject({ reason: 'PATH_EXISTS' });
    await expect(get(NAME, { follow: true })).rejects.toMatchObject({ reason: 'PATH_EXISTS' });
    const { record } = await complete(NAME, { replace: true });
    expect((await readFile(target())).equals(dataOf(1))).toBe(true);
    const kept = (await readdir(agent.folder.at('downloads'))).filter((name) => name !== NAME);
    expect(kept).toEqual([expect.stringMatching(/^w1\.bin\.old-[0-9a-f]{8}$/)]);
    expect(await readFile(agent.folder.at('downloads', ...kept), 'utf8')).toBe('precious');
    expect(record.warning).toContain(kept[0]);
  });

  it('is no file whose name the content chose', async () => {
    await published(1);
    await agent.folder.write(`downloads/${NAME}`, 'precious');
    const source = { kind: 'metainfo', bytes: versionOf(1).bytes } as const;
    const request = agent.transfers.download(source, { outputDir: '', replace: true });
    await expect(request).rejects.toMatchObject({ reason: 'PATH_EXISTS' });
    const transfer = await get(versionOf(1).infohash, { replace: true }).catch(() => undefined);
    if (transfer) await waitFor(() => transfer.fault === 'PATH_EXISTS', { what: 'the refusal' });
    expect(await readFile(target(), 'utf8')).toBe('precious');
  });

  it('is no data folder, and nothing that holds one', async () => {
    await agent.folder.write('data/identity.key', 'secret');
    for (const [folder, name] of [
      [agent.folder.path, 'data'],
      [dirname(agent.folder.path), basename(agent.folder.path)],
    ] as const) {
      const source = { kind: 'metainfo', bytes: metainfoOf(dataOf(1), PIECE, name).bytes } as const;
      const request = agent.transfers.download(source, { outputDir: folder, name, replace: true });
      await expect(request).rejects.toMatchObject({ reason: 'IN_DATA_FOLDER' });
    }
    expect(await readFile(agent.folder.at('data/identity.key'), 'utf8')).toBe('secret');
  });

  it('is no file in a folder that this agent shares', async () => {
    await published(1);
    const path = await agent.folder.write(`downloads/folder/${NAME}`, 'mine');
    const options = { path: dirname(path), name: '', pieceLength: 0, signal: new AbortController().signal };
    await agent.transfers.share({ ...options, progress: () => undefined });
    await expect(get(NAME, { replace: true, outputDir: dirname(path) })).rejects.toMatchObject({
      reason: 'TARGET_TAKEN',
    });
    expect(await readFile(path, 'utf8')).toBe('mine');
  });

  it('is not changed by a rename that fails: the old version stays, and what was edited since, too', async () => {
    await published(1);
    await complete(NAME);
    await published(2);
    let fails = true;
    await restart({
      rename: (from, to) => {
        if (String(to) !== target() || !fails) return rename(from, to);
        return Promise.reject(Object.assign(new Error('broken'), { code: 'EIO' }));
      },
    });
    const newer = await get(versionOf(2).infohash, {
      replace: true,
      outputDir: agent.folder.at('downloads'),
    });
    await waitFor(() => newer.state === 'failed', { what: 'the failure', seen: () => newer.view() });
    expect(agent.transfers.get(versionOf(1).infohash).state).toBe('seeding');
    await writeFile(target(), 'edited');
    fails = false;
    await newer.resume();
    await waitFor(() => newer.fault === 'PATH_EXISTS', { what: 'the refusal', seen: () => newer.view() });
    expect(await readFile(target(), 'utf8')).toBe('edited');
  });

  it('is no file that this agent shares', async () => {
    await published(1);
    const path = await agent.folder.write(`downloads/${NAME}`, 'mine');
    const options = { path, name: '', pieceLength: 0, signal: new AbortController().signal };
    await agent.transfers.share({ ...options, progress: () => undefined });
    await expect(get(NAME, { replace: true, publisher: 'alice' })).rejects.toMatchObject({
      reason: 'TARGET_TAKEN',
    });
    expect(await readFile(path, 'utf8')).toBe('mine');
  });

  it("is no other publisher's version, unless the publisher is given", async () => {
    await published(1);
    await complete(NAME);
    agent.tracker.files.splice(0);
    await published(2, 'mallory');
    const own = agent.transfers.get(versionOf(1).infohash);
    expect(own.record.publication).toEqual(publication(1));
    // Strangers have all places of the name.
    agent.tracker.files.push({
      ...agent.tracker.files[0]!,
      infohash: versionOf(1).infohash,
      publications: [publication(1, 'mallory')],
      superseded: true,
    });
    await expect(get(NAME, { replace: true })).rejects.toMatchObject({
      reason: 'TARGET_TAKEN',
      message: expect.stringContaining('alice'),
    });
    expect((await readFile(target())).equals(dataOf(1))).toBe(true);
    await expect(get(NAME, { follow: true, publisher: 'mallory' })).rejects.toMatchObject({
      reason: 'TARGET_TAKEN',
      metadata: { remedy: 'replace-other' },
    });
    await complete(NAME, { replace: true, publisher: 'mallory' });
    expect((await readFile(target())).equals(dataOf(2))).toBe(true);
  });

  it.each([
    ['', ''],
    [', also after a crash between the two renames', 'between'],
    [', also after a crash', 'after'],
  ])('is a folder: other files are kept beside it%s', async (_, crash) => {
    const folderOf = (version: number): Metainfo =>
      folderMetainfo({ [`a/v${version}`]: dataOf(version) }, PIECE, NAME);
    for (const version of [1, 2]) {
      await seed.write(`folder-${version}/a/v${version}`, dataOf(version));
      await offered(folderOf(version), seed.at(`folder-${version}`), `folder-${version}`);
    }
    const getTorrent = async ({ bytes }: Metainfo, replace: boolean): Promise<Transfer> => {
      const source = { kind: 'metainfo', bytes } as const;
      const { transfer } = await agent.transfers.download(source, { outputDir: '', replace });
      await inState(transfer, 'seeding');
      return transfer;
    };
    await getTorrent(folderOf(1), false);
    await writeFile(target('notes.txt'), 'precious');
    let newer: Transfer;
    if (crash === '') newer = await getTorrent(folderOf(2), true);
    else {
      await restart({
        rename: async (from, to) => {
          await rename(from, to);
          if (String(crash === 'after' ? to : from) === target())
            throw Object.assign(new Error('crash'), { code: 'EIO' });
        },
      });
      const source = { kind: 'metainfo', bytes: folderOf(2).bytes } as const;
      const { transfer } = await agent.transfers.download(source, { outputDir: '', replace: true });
      await waitFor(() => transfer.state === 'failed', { what: 'the crash', seen: () => transfer.view() });
      await restart();
      newer = agent.transfers.get(folderOf(2).infohash);
      // One of them has the name, whatever comes next.
      const present = crash === 'after' ? ['a/', 'a/v2'] : ['a/', 'a/v1', 'notes.txt'];
      expect(await agent.folder.tree(`downloads/${NAME}`)).toEqual(present);
      await newer.resume();
      await inState(newer, 'seeding');
    }
    expect((await readFile(target('a', 'v2'))).equals(dataOf(2))).toBe(true);
    const [, aside = ''] = (await readdir(agent.folder.at('downloads'))).sort();
    expect(aside).toMatch(/^w1\.bin\.old-[0-9a-f]{8}$/);
    const kept = await agent.folder.tree(`downloads/${aside}`);
    expect(kept).toEqual(['notes.txt']);
    expect(newer.record.warning).toContain(aside);
    expect(transfers()).toEqual([folderOf(2).infohash]);
  });
});

describe('a download that follows a name', () => {
  function follow(clock: Clock = SYSTEM_CLOCK): void {
    const log = createLogger({ name: 'agent', level: 'silent' });
    const { transfers: its, tracker } = agent;
    const parts = { clock, transfers: its, tracker, random: () => 0, log };
    following = new Following(parts, { intervalMs: 20 });
    void following.start();
  }

  const atVersion = (version: number): Promise<unknown> =>
    waitFor(
      async () => {
        const [only, ...others] = agent.transfers.list();
        const isNew = only?.infohash === versionOf(version).infohash && only.state === 'seeding';
        return isNew && others.length === 0 && (await readFile(target())).equals(dataOf(version));
      },
      { what: `version ${version}`, seen: () => agent.transfers.list().map((its) => its.view()) },
    );

  it('moves to each new version of its publisher, also after a restart', async () => {
    await published(1);
    await complete(NAME, { follow: true });
    follow();
    for (const version of [2, 3]) {
      await published(version);
      await atVersion(version);
    }
    await following?.stop();
    await restart();
    await published(4);
    follow();
    await atVersion(4);
    expect(agent.transfers.list().map(({ record }) => record)).toMatchObject([
      { follow: true, replace: 'none', publication: { version: 4 } },
    ]);
  });

  it('skips a version that is not complete when a newer one is shared', async () => {
    await published(1);
    await complete(NAME, { follow: true });
    follow();
    const { files } = agent.tracker;
    await published(2);
    uploaders[1]?.reads.hold();
    await waitFor(() => agent.transfers.at(versionOf(2).infohash), { what: 'the second version' });
    await published(3);
    await atVersion(3);
    expect(files).toHaveLength(3);
  });

  it('stays with its publisher, whatever a stranger shares under the name', async () => {
    await published(1);
    await complete(NAME, { follow: true });
    follow();
    await published(9, 'mallory');
    await published(2);
    await atVersion(2);
    await expect(get(NAME)).rejects.toMatchObject({ reason: 'AMBIGUOUS_REF' });
  });

  it('does not replace a file that was changed', async () => {
    await published(1);
    await complete(NAME, { follow: true });
    await writeFile(target(), 'edited');
    follow();
    await published(2);
    const newer = (): Transfer | undefined => agent.transfers.at(versionOf(2).infohash);
    await waitFor(() => newer()?.fault === 'PATH_EXISTS', {
      what: 'the refusal',
      seen: () => agent.transfers.list().map((its) => its.view()),
    });
    expect(await readFile(target(), 'utf8')).toBe('edited');
  });

  it('rests while it is paused, and ends when it is removed', async () => {
    await published(1);
    const transfer = await complete(NAME, { follow: true });
    const clock = new VirtualClock();
    follow(clock);
    const first = agent.tracker.lookups;
    await clock.advance(50);
    expect(agent.tracker.lookups).toBe(first + 2);
    await transfer.pause();
    await published(2);
    const asked = agent.tracker.lookups;
    await clock.advance(100);
    expect(agent.tracker.lookups).toBe(asked);
    expect(transfers()).toEqual([versionOf(1).infohash]);
    await transfer.resume();
    await clock.advance(20);
    await atVersion(2);
    await agent.transfers.remove(agent.transfers.get(NAME), false);
    await published(3);
    const before = agent.tracker.lookups;
    await clock.advance(100);
    expect(agent.tracker.lookups).toBe(before);
    expect(transfers()).toEqual([]);
  });

  it('does not follow if the request is refused', async () => {
    await published(1);
    const transfer = await complete(NAME);
    const elsewhere = { follow: true, replace: true, outputDir: agent.folder.at('elsewhere') };
    await expect(get(NAME, elsewhere)).rejects.toMatchObject({ reason: 'ELSEWHERE' });
    expect(transfer.record).toMatchObject({ follow: false, replace: 'none' });
  });

  it('stops at once while a tracker does not answer', async () => {
    await published(1);
    await complete(NAME, { follow: true });
    const clock = new VirtualClock();
    follow(clock);
    let asked = false;
    agent.tracker.findFiles = (_, options) => {
      asked = true;
      return new Promise((_resolve, reject) =>
        options?.signal?.addEventListener('abort', () => reject(new Error('aborted'))),
      );
    };
    await clock.advance(20);
    expect(asked).toBe(true);
    await following?.stop();
  });

  it('is refused if nobody, or more than one peer, is known to publish the name', async () => {
    await published(1);
    const [file] = agent.tracker.files;
    agent.tracker.files[0] = { ...file!, publications: [] };
    await expect(get(NAME, { follow: true })).rejects.toMatchObject({ reason: 'NOT_PUBLISHED' });
    agent.tracker.files[0] = { ...file!, publications: [publication(1), publication(1, 'mallory')] };
    await expect(get(NAME, { follow: true })).rejects.toMatchObject({ reason: 'AMBIGUOUS_PUBLISHER' });
    const chosen = await complete(NAME, { follow: true, publisher: 'mallory' });
    expect(chosen.record.publication).toEqual(publication(1, 'mallory'));
  });
});
