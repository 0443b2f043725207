import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { connectToNats } from '@enjambre/harness/nats-client';
import { NatsCluster } from '@enjambre/harness/nats-cluster';
import { waitFor } from '@enjambre/harness/wait-for';
import type { StreamInfo } from 'nats';
import { BUCKET } from '../../src/adapters/nats/names.js';
import { NatsStore } from '../../src/adapters/nats/nats-store.js';
import { RecordingTracker, sampleRecord } from './contract.js';

const log = createLogger({ name: 'tracker', level: 'silent' });

describe('a store on a cluster of three nodes', () => {
  let cluster: NatsCluster;
  const ends: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    cluster = await NatsCluster.start();
  }, 60_000);

  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  afterAll(() => cluster.stop());

  const started = async (replicas: 'auto' | number): Promise<RecordingTracker> => {
    const link = new NatsLink({ log }, { url: cluster.url, name: 'test' });
    await link.start();
    ends.push(() => link.stop());
    const tracker = new RecordingTracker((id) => new NatsStore({ link, log }, { id, replicas }));
    await tracker.store.start(tracker);
    ends.push(() => tracker.store.stop());
    await waitFor(() => tracker.store.available, { what: 'the store' });
    return tracker;
  };
  const bucket = async (): Promise<StreamInfo> => {
    const connection = await connectToNats(cluster.url);
    try {
      const { streams } = await connection.jetstreamManager();
      return await streams.info(`KV_${BUCKET}`);
    } finally {
      await connection.close();
    }
  };

  test('is stored on the configured number of nodes, and moved to more when that is raised', async () => {
    await started(1);
    const { config } = await bucket();
    expect(config.num_replicas).toBe(1);
    expect(config.description).toMatch(/^Enjambre: files/);
    await started('auto');
    expect((await bucket()).config.num_replicas).toBe(3);
  });

  test('loses nothing when the leader is killed', async () => {
    const one = await started('auto');
    /** During an election a record is not stored, and the call fails. */
    const keep = (number: number) =>
      waitFor(() => one.store.keep(sampleRecord(number)), {
        what: 'a record to be kept',
        retryErrors: true,
        // The nodes take seconds to elect a leader, and some to detect the loss of the first.
        timeoutMs: 60_000,
      });
    await keep(1);
    const leader = await waitFor(async () => (await bucket()).cluster?.leader, {
      what: 'a leader',
      retryErrors: true,
    });
    await cluster.node(leader).kill();
    expect(await keep(2)).toEqual(sampleRecord(2));
    const late = await started('auto');
    await waitFor(() => late.records.size === 2, { what: 'all records' });
  }, 120_000);
});
