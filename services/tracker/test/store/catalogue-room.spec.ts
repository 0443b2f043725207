import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { connectToNats } from '@enjambre/common/testing/nats-client';
import { NatsServer } from '@enjambre/common/testing/nats-server';
import { waitFor } from '@enjambre/common/testing/wait-for';
import type { NatsConnection } from 'nats';
import { BUCKET } from '../../src/adapters/nats/names.js';
import { NatsStore } from '../../src/adapters/nats/nats-store.js';
import type { TrackerStore } from '../../src/app/ports.js';
import { RecordingTracker, sampleRecord } from './contract.js';

const MIB = 1 << 20;
const STREAM = `KV_${BUCKET}`;
const log = createLogger({ name: 'tracker', level: 'silent' });

let nats: NatsServer;
let connection: NatsConnection;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  nats = await NatsServer.start();
  connection = await connectToNats(nats.url);
  ends.push(
    () => nats.stop(),
    () => connection.close(),
  );
});

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function started(maxBytes?: number): Promise<TrackerStore> {
  const link = new NatsLink({ log }, { url: nats.url, name: 'test' });
  await link.start();
  ends.push(() => link.stop());
  const init = { replicas: 1, ...(maxBytes !== undefined && { maxBytes }) } as const;
  const tracker = new RecordingTracker((id) => new NatsStore({ link, log }, { id, ...init }));
  await tracker.store.start(tracker);
  ends.push(() => tracker.store.stop());
  await waitFor(() => tracker.store.available, { what: 'the store' });
  return tracker.store;
}

async function reserved(): Promise<number> {
  const { streams } = await connection.jetstreamManager();
  return (await streams.info(STREAM)).config.max_bytes;
}

/** Fills the bucket with what is no record until no record fits. */
async function fill(): Promise<void> {
  const js = connection.jetstream();
  const put = (n: number): Promise<unknown> => js.publish(`$KV.${BUCKET}.filler-${n}`, Buffer.alloc(8000));
  for (let n = 0; ; n += 64) {
    const done = await Promise.allSettled([...Array(64).keys()].map((k) => put(n + k)));
    if (done.some(({ status }) => status === 'rejected')) break;
  }
  // The last gap, too.
  const small = (n: number): Promise<unknown> => js.publish(`$KV.${BUCKET}.small-${n}`, Buffer.alloc(1));
  for (let n = 0; ; n++)
    if (
      !(await small(n).then(
        () => true,
        () => false,
      ))
    )
      break;
}

describe('what is reserved for the catalogue', () => {
  test('is little at first, and more when it is full', async () => {
    const store = await started();
    expect(await reserved()).toBe(16 * MIB);
    await fill();
    expect(await store.keep(sampleRecord(1))).toEqual(sampleRecord(1));
    expect(await reserved()).toBe(32 * MIB);
    expect(await store.keep(sampleRecord(2))).toEqual(sampleRecord(2));
    expect(await reserved()).toBe(32 * MIB);
  });

  test('is no more than was allowed: the refusal names the setting', async () => {
    const store = await started(2 * MIB);
    expect(await reserved()).toBe(2 * MIB);
    await fill();
    await expect(store.keep(sampleRecord(1))).rejects.toMatchObject({
      reason: 'STORE_AWAY',
      message: expect.stringMatching(
        /it is full: let it have more than 2097152 bytes with --catalogue-max-bytes/,
      ),
    });
    await waitFor(() => store.available, { what: 'the store to stay' });
    // With more it takes records again.
    const wider = await started(3 * MIB);
    expect(await wider.keep(sampleRecord(1))).toEqual(sampleRecord(1));
    expect(await reserved()).toBe(3 * MIB);
  });

  test('is given back if another setting, or an older version, has reserved more', async () => {
    await connection.jetstream().views.kv(BUCKET, { max_bytes: 256 * MIB });
    await started(64 * MIB);
    expect(await reserved()).toBe(64 * MIB);
  });
});
