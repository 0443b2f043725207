import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import fc from 'fast-check';
import { bytesOf, metainfoOf, metainfoOfMany } from '../../../test/support/content.js';
import { TestFolder } from '../../../test/support/folder.js';
import { infoHash } from '../../../test/support/ids.js';
import { records } from '../../../test/support/records.js';
import { roundsDuring } from '../../../test/support/rounds.js';
import { writeStatus } from '../../../test/support/status.js';
import { DataFolder } from './data-folder.js';

const STATUS = 'download_status.json';
const log = createLogger({ name: 'test', level: 'silent' });
let folder: TestFolder;
let data: DataFolder;

beforeEach(async () => {
  folder = await TestFolder.make();
  data = new DataFolder(folder.path, log);
  await data.start();
});

afterEach(async () => {
  await data.stop();
  await folder.remove();
});

async function setAside(): Promise<string[]> {
  return (await folder.tree()).filter((name) => name.startsWith(`${STATUS}.bad-`));
}

describe('DataFolder', () => {
  it('reads metainfo of very many files without blocking other work', async () => {
    const metainfo = metainfoOfMany(2000);
    await data.writeMetainfo(metainfo);
    let read: unknown;
    const rounds = await roundsDuring(async () => (read = await data.readMetainfo(metainfo.infohash)));
    expect(read).toEqual(metainfo);
    expect(rounds).toBeGreaterThan(2000 / 30);
  });

  it('has no transfers before any were saved', async () => {
    expect(await data.load()).toEqual([]);
    expect(await setAside()).toEqual([]);
  });

  it('loads what was saved, and makes its transfers folder private', async () => {
    const saved = fc.sample(records, { numRuns: 1, seed: 7 })[0]!;
    await data.save(saved);
    expect(writeStatus(await new DataFolder(folder.path, log).load())).toBe(writeStatus(saved));
    expect((await stat(folder.at('transfers'))).mode & 0o777).toBe(0o700);
  });

  it('sets a status file aside that was torn at any byte, whole, and starts with none', async () => {
    const text = Buffer.from(
      writeStatus(
        fc.sample(
          records.filter((list) => list.length > 1),
          { numRuns: 1, seed: 3 },
        )[0]!,
      ),
    );
    for (const length of [0, 1, 20, text.length >> 1, text.length - 3]) {
      await folder.remove();
      await data.start();
      await writeFile(folder.at(STATUS), text.subarray(0, length));
      expect(await data.load()).toEqual([]);
      const [aside] = await setAside();
      expect((await readFile(folder.at(aside!))).equals(text.subarray(0, length))).toBe(true);
      await data.save([]);
      expect(await data.load()).toEqual([]);
    }
  });

  it('never fails whatever the status file contains, and loses no byte of what it does not accept', async () => {
    const mutation = fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      byte: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(
        records,
        fc.array(mutation, { minLength: 1, maxLength: 4 }),
        async (list, mutations) => {
          await folder.remove();
          await data.start();
          const bytes = Buffer.from(writeStatus(list));
          for (const { at, byte } of mutations) bytes[Math.floor(at * bytes.length)] = byte;
          await writeFile(folder.at(STATUS), bytes);
          const loaded = await data.load();
          const [aside] = await setAside();
          if (aside === undefined) expect(loaded).toHaveLength(list.length);
          else expect((await readFile(folder.at(aside))).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps metainfo byte for byte, by its infohash', async () => {
    const metainfo = metainfoOf(bytesOf(100_000), 16 * 1024);
    expect(await data.readMetainfo(metainfo.infohash)).toBeUndefined();
    await data.writeMetainfo(metainfo);
    expect((await data.readMetainfo(metainfo.infohash))?.bytes.equals(metainfo.bytes)).toBe(true);
  });

  it('rejects metainfo that is torn, or that of another file', async () => {
    const [metainfo, other] = [1, 2].map((seed) => metainfoOf(bytesOf(100_000, seed), 16 * 1024));
    await data.writeMetainfo(metainfo!);
    const [torrent] = (await folder.tree('transfers')).filter((name) => name.endsWith('.torrent'));
    await writeFile(folder.at('transfers', torrent!), metainfo!.bytes.subarray(0, -1));
    expect(await data.readMetainfo(metainfo!.infohash)).toBeUndefined();
    await writeFile(folder.at('transfers', torrent!), other!.bytes);
    expect(await data.readMetainfo(metainfo!.infohash)).toBeUndefined();
  });

  it('deletes all files of a transfer, and of no other', async () => {
    const [metainfo, other] = [1, 2].map((seed) => metainfoOf(bytesOf(100_000, seed), 16 * 1024));
    for (const { infohash } of [metainfo!, other!]) data.progress(infohash).note(3);
    await data.writeMetainfo(metainfo!);
    await data.writeMetainfo(other!);
    await data.remove(metainfo!.infohash);
    await data.stop();
    const left = await folder.tree('transfers');
    expect(left.length).toBeGreaterThan(1);
    expect(left.every((name) => name.includes(other!.infohash))).toBe(true);
  });

  it('returns one progress log per transfer', () => {
    expect(data.progress(infoHash('aa'))).toBe(data.progress(infoHash('aa')));
    expect(data.progress(infoHash('aa'))).not.toBe(data.progress(infoHash('bb')));
  });
});
