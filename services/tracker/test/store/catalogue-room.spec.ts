import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { connectToNats } from '@enjambre/harness/nats-client';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import type { NatsConnection, StreamInfo } from 'nats';
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

async function bucket(): Promise<StreamInfo> {
  const { streams } = await connection.jetstreamManager();
  return streams.info(STREAM);
}

async function reserved(): Promise<number> {
  return (await bucket()).config.max_bytes;
}

/** Fills the bucket with other entries up to this many bytes. */
async function fillTo(bytes: number): Promise<void> {
  const js = connection.jetstream();
  for (let n = 0; (await bucket()).state.bytes < bytes; n++)
    await js.publish(`$KV.${BUCKET}.part-${n}`, Buffer.alloc(8000));
}

/** Fills the bucket with other entries until no record fits. */
async function fill(): Promise<void> {
  const js = connection.jetstream();
  const put = (n: number): Promise<unknown> => js.publish(`$KV.${BUCKET}.filler-${n}`, Buffer.alloc(8000));
  for (let n = 0; ; n += 64) {
    const done = await Promise.allSettled([...Array(64).keys()].map((k) => put(n + k)));
    if (done.some(({ status }) => status === 'rejected')) break;
  }
  // Fills the last gap, too.
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

describe('the storage reserved for the catalogue', () => {
  test('is small at first, and grows when it is full', async () => {
    const store = await started();
    expect(await reserved()).toBe(16 * MIB);
    await fill();
    expect(await store.keep(sampleRecord(1))).toEqual(sampleRecord(1));
    expect(await reserved()).toBe(32 * MIB);
    expect(await store.keep(sampleRecord(2))).toEqual(sampleRecord(2));
    expect(await reserved()).toBe(32 * MIB);
  });

  test('stays within the limit: the refusal names the setting', async () => {
    const store = await started(2 * MIB);
    expect(await reserved()).toBe(2 * MIB);
    await fill();
    await expect(store.keep(sampleRecord(1))).rejects.toMatchObject({
      reason: 'STORE_AWAY',
      message: expect.stringMatching(/it is full: allow more than 2097152 bytes with --catalogue-max-bytes/),
    });
    await waitFor(() => store.available, { what: 'the store to stay' });
    // With a higher limit it stores records again.
    const wider = await started(3 * MIB);
    expect(await wider.keep(sampleRecord(1))).toEqual(sampleRecord(1));
    expect(await reserved()).toBe(3 * MIB);
  });

  test('is lowered if another setting, or an older version, has reserved more', async () => {
    await connection.jetstream().views.kv(BUCKET, { max_bytes: 256 * MIB });
    await started(64 * MIB);
    expect(await reserved()).toBe(64 * MIB);
  });

  test('is lowered only as far as the stored data has room to grow: nothing is deleted', async () => {
    await connection.jetstream().views.kv(BUCKET, { max_bytes: 256 * MIB });
    await fillTo(2.5 * MIB);
    const { messages, bytes } = (await bucket()).state;
    await started(2 * MIB);
    expect((await bucket()).state).toMatchObject({ messages, bytes });
    expect(await reserved()).toBe(2 * bytes);
  });

  test('stays as it is when trackers with other settings start, grow it and start again', async () => {
    const wide = await started(6 * MIB);
    await started(2 * MIB);
    expect(await reserved()).toBe(2 * MIB);
    await fill();
    expect(await wide.keep(sampleRecord(1))).toEqual(sampleRecord(1));
    expect(await reserved()).toBe(4 * MIB);
    const { messages } = (await bucket()).state;
    // This tracker also uses the storage that the other one reserved.
    const narrow = await started(2 * MIB);
    expect(await reserved()).toBe(4 * MIB);
    expect(await narrow.keep(sampleRecord(2))).toEqual(sampleRecord(2));
    await fill();
    await expect(narrow.keep(sampleRecord(3))).rejects.toMatchObject({
      message: expect.stringMatching(/it is full: allow more than 4194304 bytes with/),
    });
    await started(2 * MIB);
    expect(await reserved()).toBe(4 * MIB);
    expect(await wide.keep(sampleRecord(3))).toEqual(sampleRecord(3));
    expect(await reserved()).toBe(6 * MIB);
    expect((await bucket()).state.messages).toBeGreaterThan(messages);
  });

  test('is unchanged when NATS refuses a record for another reason, which is logged', async () => {
    const store = await started();
    await fillTo(9 * MIB);
    const { config, state } = await bucket();
    const { streams } = await connection.jetstreamManager();
    await streams.update(STREAM, { ...config, max_msgs: state.messages });
    await expect(store.keep(sampleRecord(1))).rejects.toMatchObject({
      reason: 'STORE_AWAY',
      message: expect.stringMatching(/cannot store the catalogue: maximum messages exceeded$/),
    });
    expect(await reserved()).toBe(16 * MIB);
    await streams.update(STREAM, { ...config, max_msgs: -1 });
    expect(await store.keep(sampleRecord(1))).toEqual(sampleRecord(1));
  });
});
