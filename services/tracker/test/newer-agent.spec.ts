import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { newer, UNKNOWN_FIELDS } from '@enjambre/harness/newer';
import { waitFor } from '@enjambre/harness/wait-for';
import { VERSION } from '@enjambre/common/version';
import {
  AnnounceEvent,
  TrackerServiceService,
  type TrackerServiceClient,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { makeGenericClientConstructor } from '@grpc/grpc-js';
import { PLAINTEXT } from '@enjambre/rpc/credentials';
import { Harness, hex, infohash, TestAgent } from './harness.js';

let harness: Harness;

beforeEach(async () => {
  harness = await Harness.start();
});

afterEach(() => harness.stop());

function newerAgent(): TestAgent {
  return new TestAgent(harness.client(), newer(TrackerServiceService));
}

describe('an agent of a newer version', () => {
  test('is welcomed despite unknown fields and messages, before its hello and in it', async () => {
    const agent = newerAgent();
    agent.sayBytes(UNKNOWN_FIELDS);
    agent.say(undefined);
    const { version, time } = await agent.greet({ name: 'newer' });
    expect(version).toBe(VERSION);
    expect(Math.abs(Date.now() - Number(time))).toBeLessThan(60_000);
    expect(agent.ended).toBeUndefined();
  });

  test('shares, watches and withdraws like any other, and receives a problem for unknown messages', async () => {
    const [agent, watcher] = [newerAgent(), await harness.agent('watcher')];
    await agent.greet({ name: 'newer' });
    watcher.watch(infohash(1));
    const sequence = agent.say(undefined);
    agent.share(infohash(1));
    expect(await watcher.peersOf(infohash(1), (names) => names.length > 0)).toEqual(['newer*']);
    expect(await agent.next('problem')).toMatchObject({ reason: 'UNKNOWN_MESSAGE', sequence });
    agent.watch(infohash(1));
    expect(await agent.next('peerDelta')).toMatchObject({ snapshot: true });
    agent.say({ $case: 'withdraw', value: { infohash: infohash(1) } });
    await watcher.peersOf(infohash(1), (names) => names.length === 0);
  });

  test('takes part by an announce with an unknown event: its numbers count', async () => {
    const agent = newerAgent();
    await agent.greet({ name: 'newer' });
    agent.announce(infohash(1), { event: AnnounceEvent.UNRECOGNIZED, leftBytes: 500n });
    const client = harness.client();
    const request = { infohash: hex(infohash(1)), maxPeers: 0 };
    const swarm = await waitFor(() => callUnary(client.getSwarm.bind(client), request), {
      what: 'the swarm',
      retryErrors: true,
    });
    expect(swarm.members).toMatchObject([{ peer: { name: 'newer' }, leftBytes: 500n }]);
  });
});

test('a newer command is answered, with the time of the tracker', async () => {
  const Client = makeGenericClientConstructor(newer(TrackerServiceService), 'newer');
  const client = new Client(
    `127.0.0.1:${harness.port}`,
    PLAINTEXT.channel('tracker'),
  ) as unknown as TrackerServiceClient;
  try {
    const { time, version } = await callUnary(client.getStats.bind(client), {});
    expect(version).toBe(VERSION);
    expect(Math.abs(Date.now() - Number(time))).toBeLessThan(60_000);
    const { files } = await callUnary(client.listFiles.bind(client), {
      query: '',
      pageSize: 0,
      pageToken: '',
      exactName: false,
      publisher: '',
    });
    expect(files).toEqual([]);
  } finally {
    client.close();
  }
});
