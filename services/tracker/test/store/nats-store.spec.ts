import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { connectToNats } from '@enjambre/harness/nats-client';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import type { NatsConnection } from 'nats';
import { BUCKET, REPLICAS_SUBJECT, snapshotSubject } from '../../src/adapters/nats/names.js';
import { NatsStore } from '../../src/adapters/nats/nats-store.js';
import { keyOfPublication } from '../../src/adapters/nats/stored-record.js';
import { publicationKey } from '../../src/domain/publications.js';
import { sampleHash } from '../samples.js';
import {
  RecordingTracker,
  samplePublication,
  sampleRecord,
  trackerStoreContract,
  type OpenStore,
} from './contract.js';

const log = createLogger({ name: 'tracker', level: 'silent' });

async function emptied(url: string): Promise<void> {
  const connection = await connectToNats(url);
  const jsm = await connection.jetstreamManager();
  await jsm.streams.delete(`KV_${BUCKET}`).catch(() => undefined);
  await connection.close();
}

/** Stores with one connection each, closed together. */
class Links {
  readonly #links: NatsLink[] = [];

  constructor(private readonly url: string) {}

  async open(): Promise<NatsLink> {
    const link = new NatsLink({ log }, { url: this.url, name: 'test' });
    this.#links.push(link);
    await link.start();
    return link;
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.splice(0).map((link) => link.stop()));
  }
}

describe('on NATS', () => {
  let nats: NatsServer;
  let links: Links;

  beforeAll(async () => {
    nats = await NatsServer.start();
    links = new Links(nats.url);
  });

  afterEach(() => links.close());

  afterAll(() => nats.stop());

  trackerStoreContract(async () => {
    await emptied(nats.url);
    const spare = await Promise.all([1, 2, 3].map(() => links.open()));
    return (id) => new NatsStore({ link: spare.pop()!, log }, { id, replicas: 'auto' });
  });
});

describe('a store on NATS', () => {
  let nats: NatsServer;
  let links: Links;
  let stranger: NatsConnection;
  let trackers: RecordingTracker[];

  beforeAll(async () => {
    nats = await NatsServer.start();
    links = new Links(nats.url);
  });

  beforeEach(async () => {
    trackers = [];
    await emptied(nats.url);
    stranger = await connectToNats(nats.url);
  });

  afterEach(async () => {
    await Promise.all(trackers.map(({ store }) => store.stop()));
    await links.close();
    await stranger.close();
  });

  afterAll(() => nats.stop());

  const started = async (): Promise<RecordingTracker> => {
    const link = await links.open();
    const open: OpenStore = (id) => new NatsStore({ link, log }, { id, replicas: 'auto' });
    const tracker = new RecordingTracker(open);
    trackers.push(tracker);
    await tracker.store.start(tracker);
    await waitFor(() => tracker.store.available, { what: 'the store' });
    return tracker;
  };

  test('writes a publication again that is unchanged and old, so that NATS does not forget it', async () => {
    const link = await links.open();
    const open: OpenStore = (id) => new NatsStore({ link, log }, { id, replicas: 'auto', maxAgeMs: 5000 });
    const tracker = new RecordingTracker(open);
    trackers.push(tracker);
    await tracker.store.start(tracker);
    await waitFor(() => tracker.store.available, { what: 'the store' });
    const publication = samplePublication('renewed', [1, 5]);
    const kv = await stranger.jetstream().views.kv(BUCKET, { bindOnly: true });
    const key = keyOfPublication(publicationKey(publication));
    const revision = async (): Promise<number | undefined> => (await kv.get(key))?.revision;
    await tracker.store.keepPublication(publication);
    const first = await revision();
    await tracker.store.keepPublication(publication);
    expect(await revision()).toBe(first);
    const isRenewed = async (): Promise<boolean> => {
      await tracker.store.keepPublication(publication);
      return (await revision()) !== first;
    };
    await waitFor(isRenewed, { what: 'the renewal', timeoutMs: 4000, everyMs: 100 });
    expect(tracker.publications.get(publicationKey(publication))).toEqual(publication);
  });

  test('ignores and counts foreign messages, and continues', async () => {
    const [one, other] = [await started(), await started()];
    stranger.publish(REPLICAS_SUBJECT, Buffer.from('no message of ours'));
    stranger.publish(REPLICAS_SUBJECT, Buffer.alloc(100_000, 0x0a));
    stranger.publish(snapshotSubject(one.id), Buffer.from('nor this'));
    const kv = await stranger.jetstream().views.kv(BUCKET);
    await kv.put(sampleHash(3), 'no record');
    await kv.put('no-infohash', '{}');
    await waitFor(() => one.store.ignored === 4, { what: 'all messages to be counted' });
    other.say(1);
    await waitFor(() => one.messages.length > 0, { what: 'the next message' });
    expect(one.messages.map(({ sequence }) => sequence)).toEqual([1]);
    expect(one.records.size).toBe(0);
    const record = sampleRecord(3);
    expect(await one.store.keep(record)).toEqual(record);
  });

  test('limits the rate of snapshot answers', async () => {
    const one = await started();
    const outcomes = await Promise.allSettled(
      [...Array(40).keys()].map(() => trackers[0]!.store.snapshotOf(one.id, AbortSignal.timeout(2000))),
    );
    const answered = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(answered).toBeGreaterThanOrEqual(10);
    expect(answered).toBeLessThan(40);
  });

  test('refuses a snapshot from another tracker than the requested one', async () => {
    const one = await started();
    const two = 'f'.repeat(32);
    stranger.subscribe(snapshotSubject(two), {
      callback: (_, { reply }) => stranger.publish(reply!, Buffer.from([10, 1, 65])),
    });
    await stranger.flush();
    await expect(one.store.snapshotOf(two, AbortSignal.timeout(10_000))).rejects.toThrow('another tracker');
    expect(one.store.ignored).toBe(1);
  });

  test('recovers after an outage of NATS, with changes made meanwhile', async () => {
    const [one, other] = [await started(), await started()];
    await one.store.keep(sampleRecord(1));
    await nats.kill();
    await waitFor(() => !one.store.connected && !other.store.connected, { what: 'NATS to be missed' });
    await expect(one.store.keep(sampleRecord(2))).rejects.toMatchObject({ reason: 'STORE_AWAY' });
    one.say(1); // Lost.
    await nats.restart();
    await waitFor(() => one.store.available && other.store.available, { what: 'the stores' });
    expect(await one.store.keep(sampleRecord(2))).toEqual(sampleRecord(2));
    await waitFor(() => other.records.size === 2, { what: 'both records' });
    one.say(2);
    await waitFor(() => other.messages.length > 0, { what: 'a message' });
    expect(other.messages.map(({ sequence }) => sequence)).toEqual([2]);
    expect(other.timesReachable).toBeGreaterThan(1);
  });

  test('creates the bucket again after its deletion', async () => {
    const one = await started();
    await one.store.keep(sampleRecord(1));
    await (await stranger.jetstreamManager()).streams.delete(`KV_${BUCKET}`);
    const kept = await waitFor(() => one.store.keep(sampleRecord(2)), {
      retryErrors: true,
      what: 'a record to be kept again',
    });
    expect(kept).toEqual(sampleRecord(2));
  });
});
