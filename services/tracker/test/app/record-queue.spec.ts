import { describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import type { InfoHash } from '@enjambre/core/ids';
import { RecordQueue } from '../../src/app/record-queue.js';
import type { FileRecord } from '../../src/domain/catalogue.js';
import { MODEL, sampleHash } from '../samples.js';
import { SYSTEM_CLOCK, type Clock } from '@enjambre/common/async/clock';
import { VirtualClock } from '@enjambre/harness/virtual-clock';

const log = createLogger({ name: 'test', level: 'silent' });

/** A store that can be unreachable, and fails a given number of times. */
class Store {
  available = true;
  refusals = 0;
  readonly done: string[] = [];

  keep(record: FileRecord): Promise<FileRecord> {
    return this.#do(`keep ${record.file.name}`, { ...record, firstShare: { at: 1, by: 'standing' } });
  }

  forget(infohash: InfoHash): Promise<void> {
    return this.#do(`forget ${infohash.slice(0, 8)}`, undefined);
  }

  #do<T>(what: string, answer: T): Promise<T> {
    if (this.refusals-- > 0) return Promise.reject(new Error('not now'));
    this.done.push(what);
    return Promise.resolve(answer);
  }
}

const queueOf = (
  store: Store,
  clock: Clock,
  onKept: (record: FileRecord) => void = () => undefined,
): RecordQueue<InfoHash, FileRecord> =>
  new RecordQueue({
    clock,
    store,
    log,
    write: async (infohash, item) => {
      if (item) onKept(await store.keep(item));
      else await store.forget(infohash);
    },
  });

const record = (number: number, name = `f${number}`): FileRecord => ({
  infohash: sampleHash(number),
  file: { ...MODEL, name },
  firstShare: undefined,
});

describe('records on their way to the store', () => {
  test('are stored, and their shared state is reported', async () => {
    const store = new Store();
    const standing: FileRecord[] = [];
    const queue = queueOf(store, SYSTEM_CLOCK, (kept) => standing.push(kept));
    queue.keep(sampleHash(1), record(1));
    queue.forget(sampleHash(2));
    await waitFor(() => store.done.length === 2, { what: 'both' });
    expect(store.done).toEqual(['keep f1', 'forget 00000002']);
    expect(standing).toMatchObject([{ firstShare: { by: 'standing' } }]);
  });

  test('wait while the store is unreachable, only the latest for each file', async () => {
    const store = new Store();
    store.available = false;
    const queue = queueOf(store, SYSTEM_CLOCK);
    for (let number = 1; number <= 100; number++) queue.keep(sampleHash(number), record(number));
    queue.keep(sampleHash(1), record(1, 'renamed'));
    queue.forget(sampleHash(2));
    await new Promise((resolve) => setImmediate(resolve));
    expect([store.done, queue.size]).toEqual([[], 100]);
    store.available = true;
    queue.resume();
    await waitFor(() => store.done.length === 100, { what: 'all of them' });
    expect(new Set(store.done).size).toBe(100);
    expect(store.done).toEqual(expect.arrayContaining(['keep renamed', 'forget 00000002', 'keep f100']));
    expect(queue.size).toBe(0);
  });

  test('are retried when the store fails', async () => {
    const store = new Store();
    store.refusals = 1;
    const clock = new VirtualClock();
    const queue = queueOf(store, clock);
    queue.keep(sampleHash(1), record(1));
    await clock.advance(999);
    expect(store.done).toEqual([]);
    await clock.advance(1);
    expect(store.done).toEqual(['keep f1']);
    queue.stop();
  });
});
