import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MAX_VERSION_NUMBER } from '@enjambre/common/identity/publication-record';
import { createLogger } from '@enjambre/common/log/logger';
import { Bitfield } from '@enjambre/core/bitfield';
import { parseInfoHash, type InfoHash } from '@enjambre/core/ids';
import { nameFault } from '@enjambre/core/names';
import fc from 'fast-check';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { TestFolder } from '../../../test/support/folder.js';
import { records } from '../../../test/support/records.js';
import { writeStatus } from '../../../test/support/status.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { DataFolder, type DataFolderInit } from './data-folder.js';
import { readFacts, writeFacts, type TransferFacts } from './transfer-facts.js';

const STATUS = 'download_status.json';
const PIECE = 16 * 1024;
const log = createLogger({ name: 'test', level: 'silent' });
const metainfo = metainfoOf(bytesOf(100_000), PIECE);
let folder: TestFolder;
let data: DataFolder;
/** Agents whose processes were killed. */
let killed: DataFolder[];

beforeEach(async () => {
  killed = [];
  folder = await TestFolder.make();
  data = await open();
});

afterEach(async () => {
  jest.restoreAllMocks();
  for (const each of [...killed, data]) await each.stop();
  await folder.remove();
});

/** The data folder as another process finds it. The status file is written only when it stops. */
async function open(init?: DataFolderInit): Promise<DataFolder> {
  const next = new DataFolder(folder.path, log, { quietMs: 3_600_000, ...init });
  await next.start();
  return next;
}

/** Applies `damage` to the folder while no process uses it. */
async function reopen(damage?: () => Promise<void>, init?: DataFolderInit): Promise<TransferRecord[]> {
  await data.stop();
  await damage?.();
  data = await open(init);
  return data.load();
}

/** The next process finds what this one left when it was killed, plus `damage`. */
async function reopenKilled(damage?: () => Promise<void>): Promise<TransferRecord[]> {
  killed.push(data);
  await damage?.();
  data = await open();
  return data.load();
}

function sample(count: number, seed = 11): TransferRecord[] {
  const some = records.filter((list) => new Set(list.map(({ infohash }) => infohash)).size >= count);
  return fc.sample(some, { numRuns: 1, seed })[0]!.slice(0, count);
}

function factsOf(record: TransferRecord): TransferFacts {
  return readFacts(writeFacts(record), record.infohash);
}

function download(change: Partial<TransferRecord> = {}): TransferRecord {
  const [record] = sample(1);
  const { infohash, name } = metainfo;
  const place = {
    origin: false,
    location: '/downloads',
    complete: false,
    inPlace: false,
    goal: 'run',
  } as const;
  return { ...record!, infohash, name, ...place, ...change };
}

const factsPath = (infohash: InfoHash): string => folder.at('transfers', `${infohash}.json`);
const tear = (): Promise<void> => writeFile(folder.at(STATUS), '{"version":1,"transf');
const asideOf = async (name: string): Promise<string[]> =>
  (await folder.tree()).filter((path) => path.includes(`${name}.bad-`));

describe('a lost status file', () => {
  it.each([
    ['torn', tear],
    ['of another version', () => writeFile(folder.at(STATUS), '{"version":2,"transfers":[]}')],
    ['missing', () => rm(folder.at(STATUS))],
  ])('that is %s is rebuilt, with all transfers and their goals', async (_, lose) => {
    const saved = sample(3);
    await data.save(saved);
    const loaded = await reopen(lose);
    const facts = (list: TransferRecord[]): string[] => list.map(writeFacts).sort();
    const expected = saved.map((one) =>
      one.origin
        ? {
            ...one,
            goal: 'failed' as const,
            reason: 'METAINFO_LOST',
            message: `its metainfo is lost: share ${one.location} again`,
          }
        : one,
    );
    expect(facts(loaded)).toEqual(facts(expected));
    expect(loaded.every(({ downloadedBytes, peers }) => downloadedBytes === 0 && peers.length === 0)).toBe(
      true,
    );
  });

  it('is set aside whole, and one log line tells how much was rebuilt from which source', async () => {
    const told = jest.spyOn(log, 'warn');
    await data.save(sample(3));
    await reopen(tear);
    const [aside] = await asideOf(STATUS);
    expect(await readFile(folder.at(aside!), 'utf8')).toBe('{"version":1,"transf');
    expect(told.mock.calls.map((call) => String(call[1 as never]))).toEqual([
      expect.stringMatching(
        /^download_status\.json was lost: 3 of 3 rebuilt \(3 from transfers\/\*\.json\); their byte counts per peer are lost/,
      ),
    ]);
  });

  it('keeps its valid entries, with everything in them', async () => {
    const saved = sample(3);
    await data.save(saved);
    const loaded = await reopen(async () => {
      const text = JSON.parse(await readFile(folder.at(STATUS), 'utf8')) as {
        transfers: { infohash: string }[];
      };
      const { infohash } = saved[1]!;
      Object.assign(
        text.transfers.find((entry) => entry.infohash === infohash)!,
        { location: '../elsewhere' },
      );
      await writeFile(folder.at(STATUS), JSON.stringify(text));
    });
    const byHash = new Map(loaded.map((record) => [record.infohash, record]));
    expect(loaded).toHaveLength(3);
    for (const kept of [saved[0]!, saved[2]!]) {
      expect(writeStatus([byHash.get(kept.infohash)!])).toBe(writeStatus([kept]));
    }
    expect(byHash.get(saved[1]!.infohash)).toMatchObject({ location: saved[1]!.location, peers: [] });
  });

  it('leaves a complete download to be hashed again, and keeps the recorded progress of a partial one', async () => {
    const whole = download({ complete: true, inPlace: true, fingerprint: 'abc' });
    const other = metainfoOf(bytesOf(100_000, 2), PIECE, 'other.bin');
    await data.writeMetainfo(metainfo);
    await data.writeMetainfo(other);
    const have = Bitfield.empty(7);
    have.set(2);
    await data.progress(other.infohash).save(have);
    data.progress(other.infohash).note(6);
    await data.save([whole, download({ infohash: other.infohash, name: other.name })]);
    const loaded = new Map((await reopen(tear)).map((record) => [record.infohash, record]));
    expect(loaded.get(metainfo.infohash)).toMatchObject({
      complete: true,
      inPlace: true,
      fingerprint: '',
      sizeBytes: 100_000,
    });
    expect(loaded.get(other.infohash)).toMatchObject({
      complete: false,
      inPlace: false,
      doneBytes: PIECE + (100_000 % PIECE),
    });
  });

  it('of an older version, without facts, is rebuilt if the download folder has some of the content', async () => {
    const other = metainfoOf(bytesOf(100_000, 2), PIECE, 'other.bin');
    await data.writeMetainfo(metainfo);
    await data.writeMetainfo(other);
    const complained = jest.spyOn(log, 'error');
    const findDownload = ({ infohash }: { infohash: InfoHash }): Promise<string | undefined> =>
      Promise.resolve(infohash === metainfo.infohash ? '/downloads' : undefined);
    const loaded = await reopen(undefined, { findDownload });
    expect(loaded).toMatchObject([
      {
        infohash: metainfo.infohash,
        name: metainfo.name,
        location: '/downloads',
        origin: false,
        inPlace: false,
        complete: false,
        goal: 'run',
      },
    ]);
    expect(complained.mock.calls.map((call) => String(call[1 as never]))).toEqual([
      expect.stringMatching(/^the location of other\.bin is lost: share it again, or download it/),
    ]);
    expect(await folder.tree('transfers')).toContain(`${other.infohash}.torrent`);
  });

  it('is rebuilt without transfers that cannot be examined', async () => {
    await data.writeMetainfo(metainfo);
    const saved = sample(2);
    await data.save(saved);
    const loaded = await reopen(tear, { findDownload: () => Promise.reject(new Error('EIO')) });
    expect(loaded).toHaveLength(2);
  });
});

describe('facts of a transfer', () => {
  it('that cannot be read are set aside, and affect no other transfer', async () => {
    const [bad, good] = sample(2);
    await data.save([bad!, good!]);
    const damage = async (): Promise<void> => {
      await tear();
      await writeFile(factsPath(bad!.infohash), 'garbage');
    };
    expect((await reopen(damage)).map(({ infohash }) => infohash)).toEqual([good!.infohash]);
    const [aside] = await asideOf(`${bad!.infohash}.json`);
    expect(await readFile(folder.at(aside!), 'utf8')).toBe('garbage');
  });

  it('are written only when they change', async () => {
    const record = download();
    await data.save([record]);
    await rm(factsPath(record.infohash));
    await data.save([{ ...record, uploadedBytes: record.uploadedBytes + 1 }]);
    expect(await folder.tree('transfers')).toEqual([]);
    await data.save([{ ...record, goal: 'pause' }]);
    expect(await folder.tree('transfers')).toEqual([`${record.infohash}.json`]);
  });

  it.each([
    ['a place that is not absolute', { location: 'etc' }],
    ['a place with a NUL', { location: '/a\0b' }],
    ['a goal that does not exist', { goal: 'rm' }],
    ['another transfer', { infohash: 'ab'.repeat(32) }],
    ['an infohash that is none', { infohash: '../x' }],
    ['a time that is none', { added_at: 1e300 }],
    ['another version', { version: 2 }],
  ])('are refused with %s', (_, change) => {
    const text = JSON.stringify({ ...(JSON.parse(writeFacts(download())) as object), ...change });
    expect(() => readFacts(text, metainfo.infohash)).toThrow();
  });

  it('accept no number of a version that no record can have', () => {
    const published = { version: MAX_VERSION_NUMBER, publishedAtMs: 1000, signed: 'c2ln' };
    const read = (version: number): TransferFacts =>
      readFacts(writeFacts({ ...download(), published: { ...published, version } }), metainfo.infohash);
    expect(read(MAX_VERSION_NUMBER).published).toEqual(published);
    expect(read(0xffff_ffff).published).toBeUndefined();
  });

  it('accept no name that leads elsewhere', () => {
    const text = JSON.stringify({ ...(JSON.parse(writeFacts(download())) as object), name: '../../x' });
    expect(readFacts(text, metainfo.infohash).name).toBe('');
  });

  it('count if their transfer never reached the status file because of an earlier crash', async () => {
    const [first, second] = sample(2);
    await data.save([first!]);
    const journal = folder.at('download_status.1.jsonl');
    const before = await readFile(journal);
    await data.save([first!, second!]);
    const loaded = await reopenKilled(() => writeFile(journal, before));
    expect(loaded.map(({ infohash }) => infohash).sort()).toEqual([first!.infohash, second!.infohash].sort());
    expect(writeStatus(loaded.slice(0, 1))).toBe(writeStatus([first!]));
  });
});

describe('a transfer whose removal has begun', () => {
  const gone = async (damage?: () => Promise<void>): Promise<void> => {
    expect(await reopenKilled(damage)).toEqual([]);
    expect((await folder.tree('transfers')).filter((name) => !name.endsWith('.removed'))).toEqual([]);
  };

  beforeEach(async () => {
    await data.writeMetainfo(metainfo);
    await data.progress(metainfo.infohash).save(Bitfield.full(7));
    await data.save([download()]);
    await data.disown(metainfo.infohash);
  });

  it('does not come back if a crash kept its files and the status file unchanged', async () => {
    await gone();
  });

  it('does not come back if the status file is lost as well', async () => {
    await gone(tear);
  });

  it('does not come back by a save that was unaware of the removal', async () => {
    await data.save([download({ goal: 'pause' })]);
    await gone();
  });

  it('leaves nothing behind once it is done and saved', async () => {
    await data.remove(metainfo.infohash);
    await data.save([]);
    expect(await folder.tree('transfers')).toEqual([]);
    expect(await reopen()).toEqual([]);
  });

  it('comes back when it is added again, in this process or the next', async () => {
    await data.remove(metainfo.infohash);
    data.keep(metainfo.infohash);
    await data.save([download()]);
    expect(await reopenKilled()).toHaveLength(1);
    await data.disown(metainfo.infohash);
    expect(await reopenKilled()).toEqual([]);
    data.keep(metainfo.infohash);
    await data.save([download()]);
    expect(await reopenKilled(tear)).toHaveLength(1);
  });
});

it('a data folder with any damage loads without failure, with everything valid and nothing hostile', async () => {
  const mutation = fc.record({
    file: fc.nat(100),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    byte: fc.nat(255),
    cut: fc.boolean(),
  });
  const distinct = records
    .map((list) => [...new Map(list.map((one) => [one.infohash, one])).values()])
    .filter((list) => list.length > 1);
  const random = fc.option(fc.oneof(fc.string(), fc.json()), { nil: undefined });
  await fc.assert(
    fc.asyncProperty(
      distinct,
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      random,
      fc.boolean(),
      async (list, mutations, foreign, orderly) => {
        await data.stop();
        await folder.remove();
        data = await open();
        await data.save(list);
        if (orderly) await data.stop();
        else killed.push(data);
        const files = (await folder.tree()).filter((name) => !name.endsWith('/'));
        const hit = new Set<string>();
        for (const { file, at, byte, cut } of mutations) {
          const name = files[file % files.length]!;
          hit.add(name);
          const bytes = await readFile(folder.at(name));
          if (cut) await writeFile(folder.at(name), bytes.subarray(0, Math.floor(at * bytes.length)));
          else {
            if (bytes.length > 0) bytes[Math.floor(at * bytes.length)] = byte;
            await writeFile(folder.at(name), bytes);
          }
        }
        if (foreign !== undefined) await writeFile(folder.at(STATUS), foreign);
        data = await open();
        const loaded = await data.load();
        const found = new Map(loaded.map((record) => [record.infohash, record]));
        for (const record of list) {
          if (hit.has(`transfers/${record.infohash}.json`)) continue;
          expect(found.has(record.infohash)).toBe(true);
          if ([...hit].some((name) => name.startsWith('download_status.')) || foreign !== undefined) continue;
          expect(found.get(record.infohash)).toMatchObject(factsOf(record));
        }
        for (const { infohash, name, location, doneBytes, sizeBytes, activeMs } of loaded) {
          expect(parseInfoHash(infohash)).toBe(infohash);
          expect(name === '' || nameFault(name) === undefined).toBe(true);
          expect(location.startsWith('/') && !location.includes('\0')).toBe(true);
          expect(doneBytes >= 0 && doneBytes <= sizeBytes && Number.isSafeInteger(sizeBytes)).toBe(true);
          expect(Number.isFinite(activeMs)).toBe(true);
        }
        // What was loaded can be saved and loaded again.
        await data.save(loaded);
        const inOrder = (list: TransferRecord[]): string =>
          writeStatus(list.toSorted((a, b) => (a.infohash < b.infohash ? -1 : 1)));
        expect(inOrder(await reopen())).toBe(inOrder(loaded));
      },
    ),
    { numRuns: 60 },
  );
});
