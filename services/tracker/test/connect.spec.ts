import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { AnnounceEvent } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { eventually, Harness, hex, infohash, MODEL } from './harness.js';

describe('a Connect stream', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(() => harness.stop());

  const peerNames = async (): Promise<string[]> => {
    const client = harness.client();
    const { peers } = await callUnary(client.listPeers.bind(client), {
      query: '',
      pageSize: 0,
      pageToken: '',
    });
    return peers.map(({ name }) => name);
  };

  test('welcomes an agent that answers the challenge, with its peer id and endpoint', async () => {
    const agent = harness.stranger();
    const welcome = await agent.greet({ name: 'alice', endpoint: '10.0.0.7:7072' });
    expect(hex(welcome.peerId)).toBe(agent.peerId);
    expect(welcome.endpoint).toBe('10.0.0.7:7072');
    expect(welcome.time?.getTime()).toBeGreaterThan(0);
    expect(agent.heard[0]?.$case).toBe('challenge');
    expect(await peerNames()).toEqual(['alice']);
  });

  test.each([':7072', '0.0.0.0:7072', '[::]:7072'])(
    'replaces %s by the address that it sees',
    async (endpoint) => {
      expect((await harness.stranger().greet({ endpoint })).endpoint).toBe('127.0.0.1:7072');
    },
  );

  test('offers all endpoints of an agent to others, but its loopback address only to peers on its host', async () => {
    const endpoints = [':7072', '10.0.0.7:7072', '[fd99::7]:7072', '127.0.0.1:9'];
    const alice = await harness.agent('alice', { endpoint: ':7072', endpoints });
    expect(alice.heard.at(-1)?.$case).toBe('welcome');
    const client = harness.client();
    const { peers } = await callUnary(client.listPeers.bind(client), {
      query: '',
      pageSize: 0,
      pageToken: '',
    });
    // All agents of the test are on the tracker's host.
    const all = ['10.0.0.7:7072', '[fd99::7]:7072', '127.0.0.1:7072', '127.0.0.1:9'];
    expect(peers).toMatchObject([{ endpoint: '10.0.0.7:7072', endpoints: all }]);
  });

  test('reports to an agent its endpoints for others, and whether it is unreachable', async () => {
    const many = await harness
      .stranger()
      .greet({ endpoint: ':1', endpoints: [':1', '10.0.0.7:1', '[::1]:1'] });
    expect(many).toMatchObject({ endpoint: '10.0.0.7:1', endpoints: ['10.0.0.7:1'], unreachable: false });
    const hidden = { endpoint: '127.0.0.1:1', endpoints: [] };
    // This tracker itself listens on loopback.
    expect(await harness.stranger().greet(hidden)).toMatchObject({ ...hidden, unreachable: false });
    const open = await Harness.start({}, { listen: { kind: 'tcp', host: '', port: 0 } });
    try {
      expect(await open.stranger().greet(hidden)).toMatchObject({ ...hidden, unreachable: true });
      expect(await open.stranger().greet({ endpoint: ':1' })).toMatchObject({ unreachable: false });
    } finally {
      await open.stop();
    }
  });

  test('lets no agent name addresses of others: they receive none of these, and the agent is told', async () => {
    const endpoints = ['203.0.113.7:1', '169.254.169.254:80', 'example.com:1', '10.0.0.7:1'];
    const welcome = await harness.stranger().greet({ endpoint: ':1', endpoints });
    expect(welcome).toMatchObject({ endpoints: ['10.0.0.7:1'], unreachable: false });
    expect(welcome.refusedEndpoints).toEqual([
      { endpoint: '203.0.113.7:1', reason: 'NOT_VERIFIED' },
      { endpoint: '169.254.169.254:80', reason: 'NOT_DIALABLE' },
      { endpoint: 'example.com:1', reason: 'NOT_VERIFIED' },
    ]);
    const alone = await harness.agent('alone', { endpoint: '203.0.113.7:1' });
    alone.share(infohash(1));
    const reader = await harness.agent('reader');
    reader.watch(infohash(1));
    expect((await reader.next('peerDelta')).upserted).toEqual([]);
    const hidden = await harness.stranger().greet({ endpoint: '203.0.113.7:1' });
    expect(hidden).toMatchObject({ endpoint: '', endpoints: [], unreachable: true });
  });

  test('shows a second peer of a name with its id, to others and to itself, however it writes the name', async () => {
    const first = await harness.agent('alice');
    first.share(infohash(1));
    const second = harness.stranger();
    const shown = `alice (${second.peerId.slice(0, 8)})`;
    expect((await second.greet({ name: 'al\u200bice' })).name).toBe(shown);
    second.share(infohash(1));
    const reader = await harness.agent('reader');
    reader.watch(infohash(1));
    await reader.peersOf(infohash(1), (names) => names.join() === `${shown}*,alice*`);
    expect(await peerNames()).toEqual(['alice', shown, 'reader']);
    second.call.end();
    await eventually(async () => (await peerNames()).length === 2 || undefined);
    expect((await harness.stranger().greet({ name: 'Alice' })).name).toMatch(/^Alice \([0-9a-f]{8}\)$/);
  });

  test('keeps an IPv6 endpoint', async () => {
    expect((await harness.stranger().greet({ endpoint: '[fd00::7]:7072' })).endpoint).toBe('[fd00::7]:7072');
  });

  test('ends with UNAUTHENTICATED if the signature is for another challenge', async () => {
    const agent = harness.stranger();
    await agent.hello({ signature: agent.identity.signHello('tracker', Buffer.alloc(32)) });
    expect(await agent.end()).toMatchObject({ code: 'unauthenticated', reason: 'BAD_SIGNATURE' });
    expect(await peerNames()).toEqual([]);
  });

  test('ends with UNAUTHENTICATED if the key belongs to another peer', async () => {
    const agent = harness.stranger();
    await agent.hello({ publicKey: PeerIdentity.generate().publicKey });
    expect(await agent.end()).toMatchObject({ code: 'unauthenticated', reason: 'BAD_SIGNATURE' });
  });

  test.each([
    ['an empty name', { name: '' }],
    ['a long name', { name: 'a'.repeat(65) }],
    ['a name with a control character', { name: 'a\u001b[2J' }],
    ['no endpoint', { endpoint: '' }],
    ['one of several endpoints without a port', { endpoints: ['10.0.0.7:1', '10.0.0.7'] }],
    ['17 endpoints', { endpoints: Array<string>(17).fill('10.0.0.7:1') }],
    ['an endpoint without a port', { endpoint: '10.0.0.7' }],
    ['an endpoint with port 0', { endpoint: '10.0.0.7:0' }],
    ['an endpoint with a port beyond 65535', { endpoint: '10.0.0.7:65536' }],
    ['an endpoint with a strange host', { endpoint: 'a\u001bb:7072' }],
    ['a unix endpoint', { endpoint: 'unix:/tmp/x' }],
    ['a short key', { publicKey: Buffer.alloc(31) }],
    ['a long version', { version: 'v'.repeat(65) }],
    ['a long label', { labels: { zone: 'z'.repeat(256) } }],
    ['a label without a key', { labels: { '': 'x' } }],
    ['17 labels', { labels: Object.fromEntries([...Array(17).keys()].map((n) => [`k${n}`, 'v'])) }],
    ['an epoch beyond all times', { epoch: 2n ** 60n }],
  ])('ends with INVALID_ARGUMENT for %s', async (_, hello) => {
    const agent = harness.stranger();
    await agent.hello(hello);
    expect(await agent.end()).toMatchObject({ code: 'invalid', reason: 'BAD_HELLO' });
  });

  test.each(['', 'x'])(
    'survives a fault whose description is cut within a character (%p)',
    async (padding) => {
      const agent = harness.stranger();
      await agent.hello({ endpoint: padding + '\u{1f41d}'.repeat(1000) });
      expect(await agent.end()).toMatchObject({ code: 'invalid', reason: 'BAD_HELLO' });
      expect(await peerNames()).toEqual([]);
    },
  );

  test('ends with INVALID_ARGUMENT if another message precedes the hello', async () => {
    const agent = harness.stranger();
    agent.share(infohash(1));
    expect(await agent.end()).toMatchObject({ code: 'invalid', reason: 'BAD_HELLO' });
  });

  test('ends with DEADLINE_EXCEEDED without a hello, and stays open with one', async () => {
    await harness.stop();
    harness = await Harness.start({ timeouts: { helloMs: 2000 } });
    const agent = await harness.agent('alice');
    expect(await harness.stranger().end()).toMatchObject({ code: 'timeout', reason: 'NO_HELLO' });
    agent.watch(infohash(1));
    expect(await agent.next('problem')).toMatchObject({ reason: 'SWARM_NOT_FOUND' });
  });

  test('ends with ABORTED when the same peer connects again, and the new one stays open', async () => {
    const first = await harness.agent('alice');
    first.share(infohash(1));
    const second = harness.stranger();
    second.identity = first.identity;
    await second.greet({ name: 'alice again' });
    expect(await first.end()).toMatchObject({ code: 'aborted', reason: 'REPLACED' });
    expect(await peerNames()).toEqual(['alice again']);
    second.share(infohash(2));
    second.watch(infohash(1));
    expect(await second.next('problem')).toMatchObject({ reason: 'SWARM_NOT_FOUND' });
  });

  test('ends with RESOURCE_EXHAUSTED if too many peers are connected', async () => {
    const small = await Harness.start({ capacity: { sessions: 1 } });
    await small.agent('alice');
    const second = small.stranger();
    await second.hello({});
    expect(await second.end()).toMatchObject({ code: 'exhausted', reason: 'TOO_MANY_PEERS' });
    await small.stop();
  });

  test('ends with UNAVAILABLE when the tracker stops, also before the hello', async () => {
    const [agent, stranger] = [await harness.agent('alice'), harness.stranger()];
    await stranger.next('challenge');
    await harness.tracker.stop();
    expect(await agent.end()).toMatchObject({ code: 'unavailable', reason: 'STOPPING' });
    expect(await stranger.end()).toMatchObject({ code: 'unavailable', reason: 'STOPPING' });
  });

  test('ends with OK when the agent ends it, and the agent is gone from look-ups', async () => {
    const agent = await harness.agent('alice');
    agent.share(infohash(1));
    agent.call.end();
    expect(await agent.end()).toBeUndefined();
    expect(await peerNames()).toEqual([]);
  });

  test('ends at once when the connection is lost', async () => {
    const [alice, bob] = [await harness.agent('alice'), await harness.agent('bob')];
    alice.share(infohash(1));
    bob.watch(infohash(1));
    await bob.peersOf(infohash(1), (names) => names.join() === 'alice*');
    alice.client.close();
    alice.call.cancel();
    await bob.peersOf(infohash(1), (names) => names.length === 0);
    expect(await peerNames()).toEqual(['bob']);
  });

  test('notifies a watcher of peers that join, complete and leave', async () => {
    const [alice, bob, carol] = await Promise.all(
      ['alice', 'bob', 'carol'].map((name) => harness.agent(name)),
    );
    carol!.watch(infohash(1));
    expect(await carol!.next('problem')).toMatchObject({ reason: 'SWARM_NOT_FOUND', sequence: 2n });
    expect(await carol!.next('peerDelta')).toMatchObject({ snapshot: true, upserted: [], removed: [] });
    alice!.share(infohash(1));
    bob!.announce(infohash(1), { event: AnnounceEvent.STARTED });
    await carol!.peersOf(infohash(1), (names) => names.join() === 'alice*,bob');
    bob!.announce(infohash(1), { event: AnnounceEvent.COMPLETED, leftBytes: 0n });
    await carol!.peersOf(infohash(1), (names) => names.join() === 'alice*,bob*');
    alice!.say({ $case: 'withdraw', value: { infohash: infohash(1) } });
    await carol!.peersOf(infohash(1), (names) => names.join() === 'bob*');
    carol!.say({ $case: 'unwatch', value: { infohash: infohash(1) } });
    carol!.say({ $case: 'unwatch', value: { infohash: infohash(1) } });
    expect(await carol!.next('problem')).toMatchObject({ reason: 'NOT_WATCHED' });
  });

  test('a delta has everything needed to reach a peer', async () => {
    const [alice, bob] = [
      await harness.agent('alice', { labels: { zone: 'eu-1' } }),
      await harness.agent('bob'),
    ];
    alice.share(infohash(1));
    await eventually(async () => {
      bob.watch(infohash(1));
      const { upserted } = await bob.next('peerDelta');
      if (upserted.length === 0) return undefined;
      expect(upserted).toMatchObject([
        { name: 'alice', endpoint: '10.0.0.7:7072', seeder: true, labels: { zone: 'eu-1' } },
      ]);
      expect(hex(upserted[0]!.id)).toBe(alice.peerId);
      return true;
    });
  });

  test.each([
    ['INVALID_INFOHASH', { $case: 'watch', value: { infohash: Buffer.alloc(31), maxPeers: 0 } }],
    ['INVALID_INFOHASH', { $case: 'withdraw', value: { infohash: Buffer.alloc(100_000) } }],
    ['NOT_A_MEMBER', { $case: 'withdraw', value: { infohash: infohash(9) } }],
    [
      'MISSING_FILE',
      {
        $case: 'share',
        value: { infohash: infohash(1), file: undefined, restated: false, publications: [] as Uint8Array[] },
      },
    ],
    [
      'BAD_NAME',
      {
        $case: 'share',
        value: {
          infohash: infohash(1),
          file: { ...MODEL, name: '../x' },
          restated: false,
          publications: [] as Uint8Array[],
        },
      },
    ],
    [
      'INVALID_SIZE',
      {
        $case: 'share',
        value: {
          infohash: infohash(1),
          file: { ...MODEL, sizeBytes: 0n },
          restated: false,
          publications: [] as Uint8Array[],
        },
      },
    ],
    [
      'INVALID_SIZE',
      {
        $case: 'share',
        value: {
          infohash: infohash(1),
          file: { ...MODEL, sizeBytes: 2n ** 53n },
          restated: false,
          publications: [] as Uint8Array[],
        },
      },
    ],
    ['UNKNOWN_MESSAGE', undefined],
  ] as const)('answers a wrong message with the problem %s and continues', async (reason, message) => {
    const agent = await harness.agent('mallory');
    const sequence = agent.say(message);
    const problem = await agent.next('problem');
    expect(problem).toMatchObject({ reason, sequence });
    expect([0, 32]).toContain(problem.infohash.length);
    expect(problem.message).not.toBe('');
    agent.share(infohash(2));
    agent.watch(infohash(2));
    expect(await agent.next('peerDelta')).toMatchObject({ snapshot: true });
  });

  test.each([
    ['INVALID_REASON', { event: AnnounceEvent.FAILED, message: 'x'.repeat(513) }],
    ['INVALID_SIZE', { leftBytes: 2n ** 64n - 1n }],
    ['INVALID_PIECE_LENGTH', { file: { ...MODEL, pieceLength: 16_385n } }],
    ['INVALID_FILE_COUNT', { file: { ...MODEL, fileCount: 0 } }],
  ])('answers a wrong announce with the problem %s', async (reason, announce) => {
    const agent = await harness.agent('mallory');
    agent.announce(infohash(1), announce);
    expect(await agent.next('problem')).toMatchObject({ reason, infohash: infohash(1) });
  });

  test('answers a second hello with the problem ALREADY_GREETED', async () => {
    const agent = await harness.agent('alice');
    agent.say({
      $case: 'hello',
      value: {
        publicKey: Buffer.alloc(32),
        signature: Buffer.alloc(64),
        name: 'x',
        endpoint: ':1',
        endpoints: [],
        labels: {},
        version: '',
        epoch: 0n,
      },
    });
    expect(await agent.next('problem')).toMatchObject({ reason: 'ALREADY_GREETED' });
  });

  test('answers malformed bytes with a problem and continues', async () => {
    const agent = await harness.agent('mallory');
    agent.sayBytes(Buffer.from('ffffffffffffffffffffff', 'hex'));
    expect(await agent.next('problem')).toMatchObject({ reason: 'UNKNOWN_MESSAGE', sequence: 0n });
    agent.watch(infohash(2));
    expect(await agent.next('peerDelta')).toMatchObject({ snapshot: true });
  });

  test('ends with INVALID_ARGUMENT on malformed bytes in place of the hello', async () => {
    const agent = harness.stranger();
    agent.sayBytes(Buffer.from('ff', 'hex'));
    expect(await agent.end()).toMatchObject({ code: 'invalid', reason: 'BAD_HELLO' });
  });

  test('ends for a slow reader with RESOURCE_EXHAUSTED, and others see it leave at once', async () => {
    const quick = await Harness.start({ timeouts: { slowReaderMs: 100 } });
    const [reader, writer] = [
      await quick.agent('slow'),
      await quick.agent('writer', { labels: bigLabels() }),
    ];
    const hashes = [...Array(200).keys()].map((n) => infohash(n));
    reader.call.pause();
    for (const hash of hashes) reader.watch(hash);
    for (const hash of hashes) writer.share(hash);
    const client = quick.client();
    await eventually(async () => {
      const { peerCount: peers } = await callUnary(client.getStats.bind(client), {});
      return peers === 1 || undefined;
    });
    reader.call.resume();
    expect(await reader.end()).toMatchObject({ code: 'exhausted', reason: 'SLOW_READER' });
    await quick.stop();
  });
});

function bigLabels(): Record<string, string> {
  return Object.fromEntries([...Array(16).keys()].map((n) => [`label${n}`, 'x'.repeat(255)]));
}
