import { NatsServer } from '@enjambre/harness/nats-server';
import { EventSchemas } from '@enjambre/harness/event-schemas';
import { Onlooker } from '@enjambre/harness/onlooker';
import { AnnounceEvent } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Harness, hex, infohash } from './harness.js';
import { Watcher } from './watcher.js';

describe('the events of a tracker on NATS', () => {
  let nats: NatsServer;
  let onlooker: Onlooker;
  let now: number;
  let harness: Harness;

  beforeEach(async () => {
    nats = await NatsServer.start();
    onlooker = await Onlooker.start(nats.url);
    now = Date.now();
    harness = await Harness.start({ clock: () => now }, { nats: nats.url, name: 'rack 7' });
  });

  afterEach(async () => {
    await harness.stop();
    await onlooker.stop();
    await nats.stop();
  });

  test('are its events, each on its subject and as described by docs/asyncapi.yaml', async () => {
    const [alice, bob] = [await harness.agent('alice'), await harness.agent('bob')];
    alice.share(infohash(1));
    await onlooker.until('enjambre.file.shared');
    bob.announce(infohash(1), { event: AnnounceEvent.STARTED, leftBytes: 1_000_000n });
    await onlooker.until('enjambre.download.started');
    now += 1000;
    for (let left = 900_000n; left > 800_000n; left -= 1000n) bob.announce(infohash(1), { leftBytes: left });
    bob.announce(infohash(1), { event: AnnounceEvent.COMPLETED, leftBytes: 0n, downloadedBytes: 1_000_005n });
    bob.announce(infohash(2), { event: AnnounceEvent.STARTED });
    bob.announce(infohash(2), { event: AnnounceEvent.FAILED, message: 'disk full', reason: 'DISK_FULL' });
    await onlooker.until('enjambre.download.failed');
    alice.say({
      $case: 'ban',
      value: { peerId: Buffer.from(bob.peerId, 'hex'), message: 'sent bad bytes', infohash: infohash(1) },
    });
    await onlooker.until('enjambre.peer.banned');
    alice.say({ $case: 'withdraw', value: { infohash: infohash(1) } });
    await onlooker.until('enjambre.file.withdrawn');
    bob.call.end();
    await onlooker.until('enjambre.peer.disconnected');

    expect(onlooker.subjects).toEqual([
      'enjambre.peer.connected',
      'enjambre.peer.connected',
      'enjambre.file.shared',
      'enjambre.download.started',
      'enjambre.download.progressed',
      'enjambre.download.completed',
      'enjambre.download.started',
      'enjambre.download.failed',
      'enjambre.peer.banned',
      'enjambre.file.withdrawn',
      'enjambre.peer.disconnected',
    ]);
    const schemas = new EventSchemas();
    for (const { subject, json } of onlooker.seen) expect(schemas.problemsOf(subject, json)).toEqual([]);
    expect(onlooker.seen[5]?.json).toEqual({
      specversion: '1.0',
      id: expect.any(String),
      source: '/enjambre/tracker/rack%207',
      type: 'enjambre.download.completed',
      subject: hex(infohash(1)),
      time: expect.any(String),
      datacontenttype: 'application/json',
      dataschema: 'urn:enjambre:events:2',
      data: {
        peer: { id: bob.peerId, name: 'bob' },
        file: { infohash: hex(infohash(1)), name: 'model.bin', size_bytes: 1_000_000 },
        downloaded_bytes: 1_000_005,
      },
    });
    expect(onlooker.seen[8]?.json).toMatchObject({
      subject: bob.peerId,
      data: {
        peer: { id: bob.peerId, name: 'bob' },
        reporter: { id: alice.peerId, name: 'alice' },
        message: 'sent bad bytes',
        file: { infohash: hex(infohash(1)), name: 'model.bin', size_bytes: 1_000_000 },
      },
    });
  });

  test('are received by watchers of another tracker, and replayed there', async () => {
    const other = await Harness.start({}, { nats: nats.url, name: 'other' });
    try {
      const live = await Watcher.start(other.client());
      await harness.agent('alice');
      expect(await live.kindsWhen(1)).toEqual(['peerConnected']);
      const replay = await Watcher.start(other.client(), { since: new Date(0), replayOnly: true });
      expect(await replay.kindsWhen(1)).toEqual(['peerConnected']);
      expect(replay.events).toEqual(live.events);
      expect(replay.events[0]?.source).toBe('tracker/rack 7');
    } finally {
      await other.stop();
    }
  });

  test('wait while NATS is unreachable; the tracker continues and its watchers receive them', async () => {
    const watcher = await Watcher.start(harness.client());
    await nats.kill();
    const alice = await harness.agent('alice');
    alice.share(infohash(1));
    expect(await watcher.kindsWhen(2)).toEqual(['peerConnected', 'fileShared']);
    await nats.restart();
    const other = await Harness.start({}, { nats: nats.url, name: 'other' });
    try {
      const later = await Watcher.start(other.client(), { since: new Date(0) });
      expect(await later.kindsWhen(2)).toEqual(['peerConnected', 'fileShared']);
    } finally {
      await other.stop();
    }
  });
});
