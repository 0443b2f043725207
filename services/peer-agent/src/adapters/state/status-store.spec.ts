import { appendFile, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import { parseInfoHash } from '@enjambre/core/ids';
import fc from 'fast-check';
import { TestFolder } from '../../../test/support/folder.js';
import { records } from '../../../test/support/records.js';
import { writeOldStatus, writeStatus } from '../../../test/support/status.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { StatusStore } from './status-store.js';

const NEVER_MS = 3_600_000;
const log = createLogger({ name: 'test', level: 'silent' });
const [model] = fc.sample(
  records.filter((list) => list.length > 0),
  { numRuns: 1, seed: 5 },
)[0]!;

let folder: TestFolder;
let stores: StatusStore[];

beforeEach(async () => {
  stores = [];
  folder = await TestFolder.make();
});

afterEach(async () => {
  jest.restoreAllMocks();
  for (const store of stores) await store.stop();
  await folder.remove();
});

/** As the next process opens it; an earlier one then counts as killed. */
function open(quietMs = NEVER_MS): StatusStore {
  const store = new StatusStore(folder.path, log, { quietMs });
  stores.push(store);
  return store;
}

function record(index: number, change: Partial<TransferRecord> = {}): TransferRecord {
  const infohash = parseInfoHash(index.toString(16).padStart(64, '0'));
  return { ...model!, infohash, name: `file-${String(index).padStart(6, '0')}`, ...change };
}

const STATUS = 'download_status.json';
const journals = async (): Promise<string[]> =>
  (await folder.tree()).filter((name) => name.endsWith('.jsonl')).sort();
const bytesOnDisk = async (): Promise<number> => {
  let bytes = 0;
  for (const name of await folder.tree()) bytes += (await stat(folder.at(name))).size;
  return bytes;
};
const loaded = async (): Promise<TransferRecord[]> => [...(await open().load()).records];
const sorted = (list: readonly TransferRecord[]): string =>
  writeStatus(list.toSorted((a, b) => (a.infohash < b.infohash ? -1 : 1)));

describe('StatusStore', () => {
  it('keeps what was saved, changed and forgotten, through a kill at any later moment', async () => {
    const store = open();
    await store.load();
    await store.save([record(1), record(2), record(3)]);
    expect(sorted(await loaded())).toBe(sorted([record(1), record(2), record(3)]));
    await store.save([record(2, { goal: 'pause' })]);
    store.forget(record(3).infohash);
    expect(await store.save([])).toEqual([record(3).infohash]);
    expect(sorted(await loaded())).toBe(sorted([record(1), record(2, { goal: 'pause' })]));
    await store.stop();
    expect(sorted(await loaded())).toBe(sorted([record(1), record(2, { goal: 'pause' })]));
  });

  it('writes only what each save needs, however many transfers there are', async () => {
    const costs: number[] = [];
    for (const count of [100, 1000]) {
      const store = open();
      await store.load();
      const before = await bytesOnDisk();
      for (let index = 0; index < count; index++) await store.save([record(costs.length * 10_000 + index)]);
      costs.push(((await bytesOnDisk()) - before) / count);
    }
    expect(costs[1]! / costs[0]!).toBeLessThan(1.1);
    expect(costs[1]!).toBeLessThan(2 * writeStatus([record(1)]).length);
  });

  it('writes nothing for an unchanged record', async () => {
    const store = open();
    await store.load();
    await store.save([record(1)]);
    const before = await bytesOnDisk();
    await store.save([record(1)]);
    expect(await bytesOnDisk()).toBe(before);
  });

  it('writes the status file when changes stop, and then needs no journal', async () => {
    const store = open(1);
    await store.load();
    await store.save([record(2), record(1)]);
    const isThere = async (): Promise<boolean> => (await folder.tree()).includes(STATUS);
    await waitFor(isThere, { what: 'the status file' });
    await waitFor(async () => (await journals()).length === 0, { what: 'the journal to be gone' });
    const text = JSON.parse(await readFile(folder.at(STATUS), 'utf8')) as { transfers: { name: string }[] };
    expect(text.transfers.map(({ name }) => name)).toEqual([record(1).name, record(2).name]);
    expect(sorted(await loaded())).toBe(sorted([record(1), record(2)]));
  });

  it('accepts every line except one that a crash cut short, and does not append to that file', async () => {
    const first = open();
    await first.load();
    await first.save([record(1)]);
    const [name] = await journals();
    const line = await readFile(folder.at(name!), 'utf8');
    for (const length of [1, 20, line.length >> 1, line.length - 2]) {
      await appendFile(folder.at(name!), line.slice(0, length));
      const next = open();
      expect(sorted([...(await next.load()).records])).toContain(sorted([record(1)]).slice(0, 40));
      await next.save([record(2, { uploadedBytes: length })]);
      expect(sorted(await loaded())).toBe(sorted([record(1), record(2, { uploadedBytes: length })]));
      await writeFile(folder.at(name!), line);
    }
  });

  it('reports how many lines cannot be read, and accepts the others', async () => {
    const warned = jest.spyOn(log, 'warn');
    const store = open();
    await store.load();
    await store.save([record(1)]);
    const [name] = await journals();
    const line = await readFile(folder.at(name!), 'utf8');
    const bad = ['{"version":1,"transfer":{}}', '{"version":2,"removed":"x"}', 'null', '"x"', '{'];
    const last = line.replaceAll(record(1).infohash, record(7).infohash);
    await writeFile(folder.at(name!), `${bad.join('\n')}\n${line}${last}`);
    expect((await loaded()).map(({ infohash }) => infohash)).toEqual(
      [1, 7].map((index) => record(index).infohash),
    );
    expect(warned.mock.calls.map(([about]) => about)).toEqual([{ line_count: 6, lost_count: 5 }]);
  });

  it('replays a journal over a status file that was written after it, as a crash in between leaves them', async () => {
    const store = open();
    await store.load();
    await store.save([record(1), record(2)]);
    const [name] = await journals();
    const journal = await readFile(folder.at(name!));
    await store.save([record(1, { goal: 'pause' })]);
    const whole = await readFile(folder.at(name!));
    await store.stop();
    expect(await journals()).toEqual([]);
    await writeFile(folder.at(name!), whole);
    expect(sorted(await loaded())).toBe(sorted([record(1, { goal: 'pause' }), record(2)]));
    expect(journal.length).toBeLessThan(whole.length);
  });

  it('does not replay a journal over a status file that an older version wrote after it', async () => {
    const store = open();
    await store.load();
    await store.save([record(1), record(2)]);
    await writeFile(folder.at(STATUS), writeOldStatus([record(1, { goal: 'pause' }), record(3)]));
    const next = open();
    const { records: found, whole } = await next.load();
    expect(whole).toBe(true);
    expect(sorted(found)).toBe(sorted([record(1, { goal: 'pause' }), record(3)]));
    // A later save counts too, even if the process is killed at once.
    await next.save([record(4)]);
    expect(sorted(await loaded())).toBe(sorted([record(1, { goal: 'pause' }), record(3), record(4)]));
  });

  it('keeps the content of the journal if the status file is lost', async () => {
    const store = open();
    await store.load();
    await store.save([record(1)]);
    await rm(folder.at(STATUS), { force: true });
    const status = await open().load();
    expect(status.whole).toBe(false);
    expect(sorted(status.records)).toBe(sorted([record(1)]));
  });
});
