import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { AnnounceEvent } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { eventually, Harness, hex, infohash } from './harness.js';
import { Watcher } from './watcher.js';

describe('WatchEvents', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(() => harness.stop());

  test('streams events in order', async () => {
    const watcher = await Watcher.start(harness.client());
    const [alice, bob] = [await harness.agent('alice'), await harness.agent('bob')];
    alice.share(infohash(1));
    await watcher.kindsWhen(3);
    bob.announce(infohash(1), { event: AnnounceEvent.STARTED, leftBytes: 1000n });
    bob.announce(infohash(1), { event: AnnounceEvent.COMPLETED, leftBytes: 0n, downloadedBytes: 1005n });
    await watcher.kindsWhen(5);
    alice.say({ $case: 'withdraw', value: { infohash: infohash(1) } });
    await watcher.kindsWhen(6);
    bob.call.end();
    expect(await watcher.kindsWhen(7)).toEqual([
      'peerConnected',
      'peerConnected',
      'fileShared',
      'downloadStarted',
      'downloadCompleted',
      'fileWithdrawn',
      'peerDisconnected',
    ]);
    const completed = watcher.events[4]!;
    expect(completed.event).toEqual({
      $case: 'downloadCompleted',
      value: {
        peer: { id: bob.peerId, name: 'bob' },
        file: { infohash: hex(infohash(1)), name: 'model.bin', sizeBytes: 1_000_000n },
        downloadedBytes: 1005n,
      },
    });
    expect(completed.source).toBe('tracker/test');
    expect(new Set(watcher.events.map(({ id }) => id)).size).toBe(7);
  });

  test('publishes claims of an agent about another, unless malformed or too frequent', async () => {
    const watcher = await Watcher.start(harness.client(), { types: ['peer.banned'] });
    const [alice, mallory] = [await harness.agent('alice'), await harness.agent('mallory')];
    const claim = { peerId: Buffer.from(mallory.peerId, 'hex'), message: 'x', infohash: Buffer.alloc(0) };
    const wrong = [
      [{ peerId: Buffer.alloc(31) }, 'INVALID_PEER_ID'],
      [{ peerId: Buffer.from(alice.peerId, 'hex') }, 'INVALID_PEER_ID'],
      [{ message: '' }, 'INVALID_REASON'],
      [{ message: 'x'.repeat(513) }, 'INVALID_REASON'],
      [{ infohash: Buffer.alloc(20) }, 'INVALID_INFOHASH'],
    ] as const;
    for (const [change, reason] of wrong) {
      alice.say({ $case: 'ban', value: { ...claim, ...change } });
      expect(await alice.next('problem')).toMatchObject({ reason });
    }
    for (let count = 0; count < 11; count++) alice.say({ $case: 'ban', value: claim });
    expect(await alice.next('problem')).toMatchObject({ reason: 'TOO_FAST' });
    await watcher.kindsWhen(10);
    expect(watcher.events[0]?.event).toEqual({
      $case: 'peerBanned',
      value: {
        peer: { id: mallory.peerId, name: 'mallory' },
        reporter: { id: alice.peerId, name: 'alice' },
        message: 'x',
        file: undefined,
      },
    });
    const { peers } = await callUnary(mallory.client.listPeers.bind(mallory.client), {
      query: '',
      pageSize: 0,
      pageToken: '',
    });
    expect(peers).toHaveLength(2);
  });

  test('streams only the requested types', async () => {
    const watcher = await Watcher.start(harness.client(), { types: ['download.*', 'peer.dis*'] });
    const alice = await harness.agent('alice');
    alice.share(infohash(1));
    alice.announce(infohash(2), { event: AnnounceEvent.STARTED });
    alice.announce(infohash(2), { event: AnnounceEvent.FAILED, message: 'disk full' });
    alice.call.end();
    expect(await watcher.kindsWhen(3)).toEqual(['downloadStarted', 'downloadFailed', 'peerDisconnected']);
  });

  test('replays events since a time, then continues', async () => {
    const alice = await harness.agent('alice');
    alice.share(infohash(1));
    const first = await Watcher.start(harness.client(), { since: new Date(0) });
    expect(await first.kindsWhen(2)).toEqual(['peerConnected', 'fileShared']);
    alice.share(infohash(2));
    expect(await first.kindsWhen(3)).toEqual(['peerConnected', 'fileShared', 'fileShared']);
    const replay = await Watcher.start(harness.client(), { since: new Date(0), replayOnly: true });
    await new Promise((resolve) => replay.call.on('end', resolve));
    expect(replay.events).toEqual(first.events);
  });

  test('refuses an oversized filter', async () => {
    const watcher = await Watcher.start(harness.client(), { types: Array<string>(33).fill('a*') });
    const error = await eventually(() => watcher.error);
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_EVENT_FILTER' });
  });

  test('ends for a caller that does not read with RESOURCE_EXHAUSTED', async () => {
    const watcher = await Watcher.start(harness.client());
    watcher.call.pause();
    const alice = await harness.agent('alice');
    const client = harness.client();
    const peerCount = async (): Promise<number> =>
      (await callUnary(client.getStats.bind(client), {})).seederCount;
    for (let round = 0; round < 8; round += 1) {
      for (let n = 0; n < 250; n += 1) alice.share(infohash(n));
      await eventually(async () => (await peerCount()) === 250 || undefined);
      for (let n = 0; n < 250; n += 1) alice.say({ $case: 'withdraw', value: { infohash: infohash(n) } });
      await eventually(async () => (await peerCount()) === 0 || undefined);
    }
    watcher.call.resume();
    const error = await eventually(() => watcher.error);
    expect(error).toMatchObject({ code: 'exhausted', reason: 'SLOW_READER' });
  });

  test('ends with UNAVAILABLE when the tracker stops', async () => {
    const watcher = await Watcher.start(harness.client());
    await harness.tracker.stop();
    expect(await eventually(() => watcher.error)).toMatchObject({ code: 'unavailable', reason: 'STOPPING' });
  });
});
