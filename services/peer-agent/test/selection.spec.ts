import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
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
  'sub/b.bin': bytesOf(1000, 2),
  'sub/c.bin': bytesOf(2 * PIECE + 5, 3),
  'sub/none': Buffer.alloc(0),
  'z.txt': bytesOf(10, 4),
};
type Path = keyof typeof files;
const metainfo = folderMetainfo(files, PIECE, 'folder');
const SUB = 1000 + 2 * PIECE + 5;

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

const get = async (...select: string[]): Promise<Transfer> =>
  inState(await agent.download(metainfo, { select }), 'seeding');

/** Paths of the files in the downloaded folder; each must be as in the torrent. */
async function present(): Promise<string[]> {
  const found: string[] = [];
  for (const path of Object.keys(files) as Path[]) {
    const data = await readFile(at(path)).catch(() => undefined);
    if (data) expect({ path, same: data.equals(files[path]) }).toEqual({ path, same: true });
    if (data) found.push(path);
  }
  return found;
}

async function restart(): Promise<Transfer> {
  await agent.halt();
  agent = await DownloadAgent.start(agent.folder);
  agent.tracker.add(uploader.named());
  return agent.transfers.get(metainfo.infohash);
}

describe('a selection', () => {
  it('is all that is fetched, written and counted, and for the tracker the agent is no seeder', async () => {
    const transfer = await get('sub');
    expect(await present()).toEqual(['sub/b.bin', 'sub/c.bin', 'sub/none']);
    expect(transfer.view()).toMatchObject({
      record: { complete: true, doneBytes: SUB, selectedBytes: SUB, sizeBytes: metainfo.totalLength },
      donePieceCount: 4,
      selectedPieceCount: 4,
      selectedFileCount: 3,
      pieceCount: 8,
      fileCount: 5,
    });
    expect(transfer.record.downloadedBytes).toBe(SUB);
    const heard = agent.tracker.sessions.flat().flatMap((each) => (each.type === 'announce' ? [each] : []));
    expect(heard.map(({ event }) => event)).toEqual(expect.arrayContaining(['started', 'completed']));
    expect(heard.map(({ event }) => event)).not.toContain('shared');
    // With bytes left, it is not whole.
    expect(heard.at(-1)?.membership.leftBytes).toBe(metainfo.totalLength - SUB);
    expect(agent.tracker.isWatched).toBe(false);
  });

  it('survives a restart of a complete part, and pause and resume', async () => {
    await get('sub');
    const transfer = await inState(await restart(), 'seeding');
    expect(transfer.record).toMatchObject({ complete: true, select: ['sub'], doneBytes: SUB });
    await transfer.pause();
    await transfer.resume();
    await inState(transfer, 'seeding');
    await transfer.verify();
    await inState(transfer, 'seeding');
    expect(transfer.record.downloadedBytes).toBe(SUB);
    expect(await present()).toHaveLength(3);
    expect(agent.tracker.said).not.toContain('shared');
  });

  it('survives the loss of the status files', async () => {
    await get('sub');
    await agent.halt();
    await rm(agent.folder.at('data/download_status.json'));
    for (const name of await agent.folder.tree('data'))
      if (/download_status\..*jsonl$/.test(name)) await rm(agent.folder.at('data', name));
    agent = await DownloadAgent.start(agent.folder);
    agent.tracker.add(uploader.named());
    const transfer = await inState(agent.transfers.get(metainfo.infohash), 'seeding');
    expect(transfer.record).toMatchObject({ select: ['sub'], selectedBytes: SUB, doneBytes: SUB });
    expect(await present()).toHaveLength(3);
  });

  it('is repaired where it was damaged, and only there', async () => {
    const transfer = await get('sub');
    await rm(at('sub/b.bin'));
    await transfer.verify();
    await inState(transfer, 'seeding');
    expect(await present()).toEqual(['sub/b.bin', 'sub/c.bin', 'sub/none']);
    expect(transfer.record.downloadedBytes).toBe(SUB + 1000);
  });

  it('grows while its files are assembled apart', async () => {
    await uploader.stop();
    const transfer = await agent.download(metainfo, { select: ['sub/b.bin'] });
    await inState(transfer, 'downloading');
    await agent.download(metainfo, { select: ['z.txt'] });
    expect(transfer.record).toMatchObject({ select: ['sub/b.bin', 'z.txt'], selectedBytes: 1010 });
    await agent.download(metainfo);
    expect(transfer.record).toMatchObject({ select: [], selectedBytes: metainfo.totalLength });
  });

  it('grows before the files in the folder are known, and everything stays everything', async () => {
    await uploader.stop();
    const transfer = await agent.resolve(metainfo, { select: ['sub'] });
    expect(transfer.state).toBe('resolving');
    await agent.resolve(metainfo, { select: ['z.txt'] });
    expect(transfer.record.select).toEqual(['sub', 'z.txt']);
    await agent.resolve(metainfo, { select: ['sub'] });
    expect(transfer.record.select).toEqual(['sub', 'z.txt']);
    const excluding = agent.resolve(metainfo, { select: ['!a.bin'] });
    await expect(excluding).rejects.toMatchObject({ reason: 'SELECTS_OTHERS' });
    await agent.resolve(metainfo);
    expect(transfer.record.select).toEqual([]);
    await agent.resolve(metainfo, { select: ['sub'] });
    expect(transfer.record.select).toEqual([]);
    expect(transfer.state).toBe('resolving');
  });

  it('is chosen from the files of a transfer that has not found them, unless it is searching', async () => {
    await uploader.stop();
    const transfer = await agent.resolve(metainfo);
    const find = (): ReturnType<typeof agent.transfers.contents.find> =>
      agent.transfers.contents.find(
        { kind: 'ref', ref: metainfo.infohash },
        { publisher: '', select: ['sub'] },
        AbortSignal.timeout(20_000),
      );
    await expect(find()).rejects.toThrow('its transfer is looking for a peer that knows them');
    await transfer.pause();
    uploader = await Uploader.start(metainfo, seed.at('folder'));
    agent.tracker.add(uploader.named());
    expect((await find()).info.files).toHaveLength(5);
  });

  it('that is complete does not grow in its folder, where other files may be', async () => {
    const transfer = await get('sub');
    await writeFile(at('z.txt'), 'mine');
    for (const select of [['z.txt'], ['a.bin'], []])
      await expect(get(...select)).rejects.toMatchObject({ reason: 'PART_IN_PLACE' });
    expect(transfer.state).toBe('seeding');
    expect(transfer.record).toMatchObject({ select: ['sub'], complete: true });
    expect(await agent.transfers.remove(transfer, true, true)).toMatchObject({ deleted: 3, kept: 1 });
    expect(await readFile(at('z.txt'), 'utf8')).toBe('mine');
  });

  it('that gets its final name while more is requested does not grow either', async () => {
    const transfer = await get('sub');
    const more = transfer.become({ select: [], goal: 'run' }, 'started');
    await expect(more).rejects.toMatchObject({ reason: 'PART_IN_PLACE' });
    await inState(transfer, 'seeding');
    expect(transfer.record).toMatchObject({ select: ['sub'], complete: true });
  });

  it('that is complete, and removed, is fetched with more into another folder', async () => {
    const transfer = await get('sub');
    await agent.transfers.remove(transfer, false);
    const outputDir = agent.folder.at('elsewhere');
    const more = await agent.download(metainfo, { select: ['sub', 'z.txt'], outputDir });
    await inState(more, 'seeding');
    expect(await present()).toEqual(['sub/b.bin', 'sub/c.bin', 'sub/none']);
    expect(await readFile(agent.folder.at('elsewhere/folder/z.txt'))).toEqual(files['z.txt']);
  });

  it('that is complete, and removed with its files, is fetched with more', async () => {
    await agent.transfers.remove(await get('sub'), true);
    await get();
    expect(await present()).toHaveLength(5);
  });

  it('of complete content stays if less is requested', async () => {
    await get();
    const { already } = await agent.transfers.download(
      { kind: 'metainfo', bytes: metainfo.bytes },
      { outputDir: '', select: ['sub'] },
    );
    expect(already).toBe(true);
    expect((await restart()).record.select).toEqual([]);
  });

  it('of an unfinished download is not made smaller, nor mixed with patterns that exclude', async () => {
    await uploader.stop();
    await agent.download(metainfo, { select: ['sub', 'z.txt'] });
    expect((await agent.download(metainfo, { select: ['sub'] })).record.select).toEqual(['sub', 'z.txt']);
    await expect(get('**/*.bin', '!sub')).rejects.toMatchObject({ reason: 'SELECTS_OTHERS' });
    expect(agent.transfers.get(metainfo.infohash).record.select).toEqual(['sub', 'z.txt']);
    const transfer = await agent.download(metainfo, { select: ['!a.bin'] });
    expect(transfer.record.select).toEqual(['sub', 'z.txt']);
  });

  it('does not make a download of everything smaller', async () => {
    await uploader.stop();
    await agent.download(metainfo);
    await expect(get('sub')).rejects.toMatchObject({ reason: 'SELECTS_MORE' });
  });

  it('grows after its folder was deleted: all of it is fetched', async () => {
    const transfer = await get('sub');
    await rm(at(), { recursive: true });
    await transfer.pause();
    await transfer.resume();
    await inState(transfer, 'missing');
    await get();
    expect(await present()).toHaveLength(5);
  });

  it('is not fetched again into its folder by one who only asks for less, and stays as it is', async () => {
    const transfer = await get('sub', 'z.txt');
    await get('sub/*.bin');
    expect(transfer.record).toMatchObject({ select: ['sub', 'z.txt'], complete: true });
  });

  it('becomes the whole when the content is shared from another folder', async () => {
    await get('sub');
    const { transfer } = await agent.transfers.share({
      path: seed.at('folder'),
      name: '',
      pieceLength: PIECE,
      signal: new AbortController().signal,
      progress: () => undefined,
    });
    expect(transfer.infohash).toBe(metainfo.infohash);
    expect(transfer.record).toMatchObject({ origin: true, select: [], copies: [] });
    expect(transfer.view()).toMatchObject({ donePieceCount: 8, selectedPieceCount: 8 });
    expect(agent.tracker.sessions.flat().at(-1)).toMatchObject({ membership: { leftBytes: 0 } });
  });

  it('needs room for its files only', async () => {
    await agent.stop();
    agent = await DownloadAgent.start(undefined, {
      stores: (of) =>
        overriding(of, { room: () => Promise.resolve({ device: 1n, bytes: SUB + 100, files: 100 }) }),
    });
    agent.tracker.add(uploader.named());
    await agent.transfers.remove(await get('sub'), true);
    await expect(agent.download(metainfo)).rejects.toMatchObject({ reason: 'DISK_FULL' });
  });

  it('that matches no file fails before anything is written, and another one can be requested', async () => {
    const source = { kind: 'metainfo', bytes: metainfo.bytes } as const;
    const none = { outputDir: '', select: ['nope'] };
    await expect(agent.transfers.download(source, none)).rejects.toMatchObject({
      reason: 'NOTHING_SELECTED',
    });
    expect(agent.transfers.list()).toEqual([]);
    const named = agent.resolve(metainfo, { select: ['nope'] });
    await expect(named).rejects.toMatchObject({ reason: 'NOTHING_SELECTED' });
    expect(agent.transfers.list()).toEqual([]);
    await expect(agent.folder.tree('downloads')).rejects.toThrow('ENOENT');
    await inState(await agent.resolve(metainfo, { select: ['z.txt'] }), 'seeding');
    expect(await present()).toEqual(['z.txt']);
  });

  it('of a single file is refused', async () => {
    const single = metainfoOf(bytesOf(5), PIECE);
    await expect(agent.download(single, { select: ['file.bin'] })).rejects.toMatchObject({
      reason: 'NOT_A_FOLDER',
    });
  });

  it('is taken from files that are already there', async () => {
    await mkdir(agent.folder.at('downloads'), { recursive: true });
    await cp(seed.at('folder/sub'), at('sub'), { recursive: true });
    const transfer = await get('sub');
    expect(transfer.record).toMatchObject({ downloadedBytes: 0, ownFiles: 'none' });
    expect(await agent.transfers.remove(transfer, true)).toMatchObject({ deleted: 0, kept: 3 });
  });

  it('moves with its partial download to another folder', async () => {
    await uploader.stop();
    await agent.download(metainfo, { select: ['sub'] });
    const outputDir = agent.folder.at('elsewhere');
    const transfer = await agent.download(metainfo, { select: ['sub'], outputDir });
    expect(transfer.record).toMatchObject({ select: ['sub'], location: outputDir });
  });
});
