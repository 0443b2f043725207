import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import type { WatchEventsResponse } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { Harness } from '../harness.js';
import { hex, infohash, MODEL, TestAgent } from '../harness.js';
import { CutProxy } from './cut-proxy.js';
import { Replicas } from './replicas.js';
import { filesAt, lengthOf, peersAt, swarmAt } from './views.js';

const FILE = infohash(1);

describe('several trackers on one NATS', () => {
  let nats: NatsServer;
  let replicas: Replicas;

  beforeAll(async () => {
    nats = await NatsServer.start();
  });

  beforeEach(() => {
    replicas = new Replicas(nats);
  });

  afterEach(() => replicas.stop());

  afterAll(() => nats.stop());

  const agree = async (among: readonly Harness[], what: string, wanted: string[]): Promise<void> => {
    await waitFor(
      async () => {
        const views = await Promise.all(among.map((harness) => swarmAt(harness, FILE)));
        return views.every((view) => view.join() === wanted.join());
      },
      { what },
    );
  };

  test('name reachable peers even if most members are unreachable for the requester', async () => {
    const on = (digit: string) => ({ host: { id: digit.repeat(32), addresses: () => ['10.0.0.1'] } });
    const [one, other] = [await replicas.start('one', on('a')), await replicas.start('other', on('b'))];
    await replicas.allKnown();
    const hidden = Array.from({ length: 120 }, (_, number) => `hidden ${number}*`);
    await Promise.all(
      hidden.map(async (name, number) => {
        const endpoint = `127.0.0.1:${8000 + number}`;
        (await one.agent(name.slice(0, -1), { endpoint })).share(FILE);
      }),
    );
    const open = ['open 0*', 'open 1*', 'open 2*'];
    const agents = await Promise.all(open.map((name) => one.agent(name.slice(0, -1))));
    for (const agent of agents) agent.share(FILE);
    const all = [...hidden, ...open].map((name) => `${name} 0 0 0`).sort();
    await agree([one, other], 'all at both', all);
    const [near, far] = [await one.agent('near'), await other.agent('far')];
    near.watch(FILE, 200);
    far.watch(FILE);
    await near.peersOf(FILE, (names) => names.length === all.length);
    expect(await far.peersOf(FILE, (names) => names.length > 0)).toEqual(open);
    // One returns where only its own host reaches it, another where all peers do.
    const [leaver] = agents;
    const again = one.stranger();
    again.identity = leaver!.identity;
    await again.greet({ name: 'open 0', endpoint: '127.0.0.1:7072' });
    again.share(FILE);
    await far.peersOf(FILE, (names) => names.join() === open.slice(1).join());
    const reached = one.stranger();
    reached.identity = leaver!.identity;
    await reached.greet({ name: 'open 0' });
    reached.share(FILE);
    await far.peersOf(FILE, (names) => names.join() === open.join());
  });

  test('notify a watcher of peers that join, change and leave at another tracker', async () => {
    const [one, other] = await replicas.startAll('one', 'other');
    const [alice, bob] = [await one!.agent('alice'), await other!.agent('bob')];
    bob.watch(FILE);
    alice.announce(FILE);
    await bob.peersOf(FILE, (names) => names.join() === 'alice');
    alice.announce(FILE, { leftBytes: 0n });
    await bob.peersOf(FILE, (names) => names.join() === 'alice*');
    alice.say({ $case: 'withdraw', value: { infohash: FILE } });
    await bob.peersOf(FILE, (names) => names.length === 0);
    alice.share(FILE);
    await bob.peersOf(FILE, (names) => names.join() === 'alice*');
    alice.call.end();
    await bob.peersOf(FILE, (names) => names.length === 0);
  });

  test('offer the loopback address of an agent only to agents on its host, at any tracker', async () => {
    const on = (digit: string) => ({ host: { id: digit.repeat(32), addresses: () => ['10.0.0.1'] } });
    const [one, other, beside] = [
      await replicas.start('one', on('a')),
      await replicas.start('other', on('b')),
      await replicas.start('beside', on('a')),
    ];
    await replicas.allKnown();
    const [far, near] = [await other.agent('far'), await beside.agent('near')];
    for (const agent of [far, near]) agent.watch(FILE);
    (await one.agent('hidden', { endpoint: '127.0.0.1:7072' })).share(FILE);
    (await one.agent('older', { endpoint: ':7073' })).share(FILE);
    await near.peersOf(FILE, (names) => names.join() === 'hidden*,older*');
    await agree([other], 'both at the other', ['hidden* 0 0 0', 'older* 0 0 0']);
    expect(await far.peersOf(FILE, (names) => names.includes('older*'))).toEqual(['older*']);
    const endpoints = far.heard.flatMap((said) =>
      said.$case === 'peerDelta' ? said.value.upserted.flatMap((peer) => peer.endpoints) : [],
    );
    expect([...new Set(endpoints)]).toEqual(['10.0.0.1:7073']);
  });

  test('answer every look-up identically', async () => {
    const all = await replicas.startAll('one', 'two', 'three');
    const agents = [];
    for (const [index, harness] of all.entries()) {
      const agent = await harness.agent(`agent-${index}`, { labels: { zone: `z${index}` } });
      agent.share(infohash(10 + index), { ...MODEL, name: `file-${index}` });
      agent.announce(FILE, { leftBytes: BigInt(500 + index), downloadedBytes: 5n, uploadedBytes: 6n });
      agents.push(agent);
    }
    await agree(all, 'the same swarm everywhere', ['agent-0 500 5 6', 'agent-1 501 5 6', 'agent-2 502 5 6']);
    await waitFor(
      async () => {
        const [files, ...otherFiles] = await Promise.all(all.map(filesAt));
        const [peers, ...otherPeers] = await Promise.all(all.map(peersAt));
        const same =
          [files, ...otherFiles].every((list) => list === files) &&
          otherPeers.every((list) => list === peers);
        return same && lengthOf(files!) >= 4 && lengthOf(peers!) === 3;
      },
      { what: 'the same lists everywhere' },
    );
    agents[0]!.announce(FILE, { leftBytes: 100n, downloadedBytes: 400n, uploadedBytes: 6n });
    await agree(all, 'new numbers everywhere', ['agent-0 100 400 6', 'agent-1 501 5 6', 'agent-2 502 5 6']);
  });

  test('bring a late tracker up to date', async () => {
    const [one] = await replicas.startAll('one');
    const alice = await one!.agent('alice');
    for (let number = 1; number <= 200; number++)
      alice.share(infohash(number), { ...MODEL, name: `f-${number}` });
    const bob = await one!.agent('bob');
    bob.announce(FILE, { file: undefined });
    await waitFor(async () => lengthOf(await filesAt(one!)) >= 200, { what: 'all files' });
    const late = await replicas.start('late');
    await replicas.allKnown();
    await waitFor(async () => (await filesAt(late)) === (await filesAt(one!)), {
      what: 'all files at the late one',
    });
    await agree([late], 'the swarm at the late one', ['alice* 0 0 0', 'bob 1000 0 0']);
  });

  test('drop the sessions of a stopped tracker', async () => {
    const [one, other] = await replicas.startAll('one', 'other');
    const bob = await other!.agent('bob');
    bob.watch(FILE);
    (await one!.agent('alice')).share(FILE);
    await bob.peersOf(FILE, (names) => names.join() === 'alice*');
    await one!.stop();
    await bob.peersOf(FILE, (names) => names.length === 0);
    expect(other!.tracker.network.others).toEqual([]);
  });

  test('treat an agent that moves as the same peer, and end its older session', async () => {
    const all = await replicas.startAll('one', 'two', 'three');
    const [one, two, three] = all;
    const watcher = await three!.agent('watcher');
    watcher.watch(FILE);
    const before = await one!.agent('alice');
    before.share(FILE);
    await watcher.peersOf(FILE, (names) => names.join() === 'alice*');
    await agree(all, 'alice everywhere', ['alice* 0 0 0']);
    const after = new TestAgent(two!.client());
    after.identity = before.identity;
    await after.greet({ name: 'alice' });
    after.share(FILE, MODEL, true);
    expect(await before.end()).toMatchObject({ code: 'aborted', reason: 'REPLACED' });
    await agree(all, 'alice everywhere, once', ['alice* 0 0 0']);
    await watcher.peersOf(FILE, (names) => names.join() === 'alice*');
    expect(after.ended).toBeUndefined();
    for (const harness of all) expect(lengthOf(await peersAt(harness))).toBe(2);
  });

  test('publish each event once', async () => {
    const [one, other, third] = await replicas.startAll('one', 'other', 'third');
    const client = third!.client();
    const seen: string[] = [];
    const stream = client.watchEvents({ types: [], since: undefined, replayOnly: false });
    stream.on('data', ({ event }: WatchEventsResponse) => {
      seen.push(`${event?.event?.$case ?? ''} ${event?.source ?? ''}`);
    });
    stream.on('error', () => undefined);
    await new Promise((resolve) => stream.once('metadata', resolve));
    const alice = await one!.agent('alice');
    alice.share(FILE);
    await agree([one!, other!, third!], 'alice everywhere', ['alice* 0 0 0']);
    alice.say({ $case: 'withdraw', value: { infohash: FILE } });
    alice.call.end();
    await waitFor(async () => (await peersAt(other!)) === '[]', { what: 'alice to be gone' });
    await other!.agent('bob');
    await waitFor(() => seen.some((line) => line.endsWith('/other')), { what: 'the last event' });
    expect(seen).toEqual([
      'peerConnected tracker/one',
      'fileShared tracker/one',
      'fileWithdrawn tracker/one',
      'peerDisconnected tracker/one',
      'peerConnected tracker/other',
    ]);
    stream.cancel();
  });

  test('remember the first share and the description of a file when all trackers restart', async () => {
    const [one] = await replicas.startAll('one');
    const hash = infohash(250);
    const alice = await one!.agent('alice');
    alice.share(hash, { ...MODEL, name: 'first' });
    const fileOf = (harness: Harness) =>
      waitFor(
        async () => {
          const client = harness.client();
          const answer = await callUnary(client.getFile.bind(client), { infohash: hex(hash) });
          return answer.file;
        },
        { what: 'the file', retryErrors: true },
      );
    const before = await fileOf(one!);
    await waitFor(() => one!.tracker.network.unkept === 0, { what: 'the record to be kept' });
    await replicas.stop();
    const [late] = await replicas.startAll('late');
    const bob = await late!.agent('bob');
    bob.share(hash, { ...MODEL, name: 'second' });
    expect((await bob.next('problem')).reason).toBe('FILE_MISMATCH');
    expect(await fileOf(late!)).toEqual({ ...before, disputed: true });
    expect(before).toMatchObject({ name: 'first', publisherName: 'alice' });
  });

  test('agree on one description when two files of one infohash are shared at once', async () => {
    const all = await replicas.startAll('one', 'two');
    const hash = infohash(251);
    for (const [index, harness] of all.entries()) {
      (await harness.agent(`agent-${index}`)).share(hash, { ...MODEL, name: `by ${index}` });
    }
    await waitFor(
      async () => {
        const [here, there] = (await Promise.all(all.map(filesAt))).map((list) =>
          (JSON.parse(list) as { infohash: string; seederCount: number }[]).find(
            (file) => file.infohash === hex(hash),
          ),
        );
        return here?.seederCount === 2 && JSON.stringify(here) === JSON.stringify(there);
      },
      { what: 'one description' },
    );
  });

  test('continue from memory without NATS, and form one network again when it is back', async () => {
    const all = await replicas.startAll('one', 'two', 'three');
    const [one, two, three] = all;
    const watcher = await three!.agent('watcher');
    watcher.watch(FILE);
    (await one!.agent('alice')).share(FILE);
    await agree(all, 'alice everywhere', ['alice* 0 0 0']);
    await nats.kill();
    await waitFor(() => all.every(({ tracker }) => !tracker.network.available), {
      what: 'NATS to be missed',
    });
    const bob = await two!.agent('bob');
    bob.share(FILE);
    await agree([two!], 'bob at his tracker', ['alice* 0 0 0', 'bob* 0 0 0']);
    expect(await swarmAt(three!, FILE)).toEqual(['alice* 0 0 0']);
    await nats.restart();
    await agree(all, 'both everywhere', ['alice* 0 0 0', 'bob* 0 0 0']);
    await watcher.peersOf(FILE, (names) => names.join() === 'alice*,bob*');
    await replicas.allKnown();
  });
});

describe('a tracker disconnected from NATS', () => {
  let nats: NatsServer;
  let replicas: Replicas;
  let proxy: CutProxy;

  beforeAll(async () => {
    nats = await NatsServer.start();
    proxy = await CutProxy.start(Number(new URL(nats.url).port));
    replicas = new Replicas(nats);
  });

  afterAll(async () => {
    await replicas.stop();
    await proxy.stop();
    await nats.stop();
  });

  test('serves its agents, is dropped by the others, and joins them again when it is back', async () => {
    const [whole] = await replicas.startAll('whole');
    const cut = await replicas.start('cut', {}, `nats://127.0.0.1:${proxy.port}`);
    await replicas.allKnown();
    const [alice, bob] = [await cut.agent('alice'), await whole!.agent('bob')];
    for (const agent of [alice, bob]) agent.watch(FILE);
    alice.share(FILE);
    bob.announce(FILE);
    await alice.peersOf(FILE, (names) => names.join() === 'bob');
    await bob.peersOf(FILE, (names) => names.join() === 'alice*');
    proxy.cut();
    await bob.peersOf(FILE, (names) => names.length === 0); // Five seconds of silence.
    expect(whole!.tracker.network.others).toEqual([]);
    // Without a connection it receives nothing, and does not count others as lost.
    expect(cut.tracker.network).toMatchObject({ available: false, others: ['whole'] });
    expect(await swarmAt(cut, FILE)).toEqual(['alice* 0 0 0', 'bob 1000 0 0']);
    (await cut.agent('carol')).announce(FILE);
    await alice.peersOf(FILE, (names) => names.join() === 'bob,carol');
    proxy.mend();
    await bob.peersOf(FILE, (names) => names.join() === 'alice*,carol');
    await replicas.allKnown();
    expect(await peersAt(cut)).toBe(await peersAt(whole!));
  });
});
