import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { fromServiceError } from '@enjambre/common/grpc/status';
import { callUnary } from '@enjambre/common/grpc/client';
import type { EnjambreError } from '@enjambre/core/error';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import {
  AnnounceEvent,
  type TrackerServiceClient,
  type WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { eventually, Harness, hex, infohash } from './harness.js';

class Watcher {
  readonly events: Event[] = [];
  error: EnjambreError | undefined;
  readonly call: ClientReadableStream<WatchEventsResponse>;

  private constructor(client: TrackerServiceClient, types: string[]) {
    this.call = client.watchEvents({ types, since: undefined, replayOnly: false });
    this.call.on('data', ({ event }: WatchEventsResponse) => this.events.push(event!));
    this.call.on('error', (error) => (this.error = fromServiceError(error)));
  }

  /** Resolves when the subscription stands. */
  static async start(client: TrackerServiceClient, types: string[] = []): Promise<Watcher> {
    const watcher = new Watcher(client, types);
    await new Promise((resolve) => watcher.call.on('metadata', resolve));
    return watcher;
  }

  get kinds(): (string | undefined)[] {
    return this.events.map(({ event }) => event?.$case);
  }

  async kindsWhen(count: number): Promise<(string | undefined)[]> {
    return eventually(() => (this.events.length >= count ? this.kinds : undefined));
  }
}

describe('WatchEvents', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(() => harness.stop());

  test('streams what happens, in order', async () => {
    const watcher = await Watcher.start(harness.client());
    const [alice, bob] = [await harness.agent('alice'), await harness.agent('bob')];
    alice.share(infohash(1));
    await watcher.kindsWhen(3);
    bob.announce(infohash(1), { event: AnnounceEvent.STARTED, bytesLeft: 1000n });
    bob.announce(infohash(1), { event: AnnounceEvent.COMPLETED, bytesLeft: 0n, bytesDownloaded: 1005n });
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
        peer: { peerId: bob.peerId, name: 'bob' },
        file: { infohash: hex(infohash(1)), name: 'model.bin', size: 1_000_000n },
        bytesDownloaded: 1005n,
      },
    });
    expect(completed.source).toBe('tracker/test');
    expect(new Set(watcher.events.map(({ id }) => id)).size).toBe(7);
  });

  test('streams only the types asked for', async () => {
    const watcher = await Watcher.start(harness.client(), ['download.*', 'peer.dis*']);
    const alice = await harness.agent('alice');
    alice.share(infohash(1));
    alice.announce(infohash(2), { event: AnnounceEvent.STARTED });
    alice.announce(infohash(2), { event: AnnounceEvent.FAILED, reason: 'disk full' });
    alice.call.end();
    expect(await watcher.kindsWhen(3)).toEqual(['downloadStarted', 'downloadFailed', 'peerDisconnected']);
  });

  test('refuses an oversized filter', async () => {
    const watcher = await Watcher.start(harness.client(), Array<string>(33).fill('a*'));
    const error = await eventually(() => watcher.error);
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_EVENT_FILTER' });
  });

  test('ends a caller that does not read with RESOURCE_EXHAUSTED', async () => {
    const watcher = await Watcher.start(harness.client());
    watcher.call.pause();
    const alice = await harness.agent('alice');
    const client = harness.client();
    const peerCount = async (): Promise<number> =>
      (await callUnary(client.getStats.bind(client), {})).seeders;
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
