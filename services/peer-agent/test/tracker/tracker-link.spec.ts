import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { signPublication, type PublicationFacts } from '@enjambre/common/identity/publication-record';
import { toServiceError } from '@enjambre/rpc/status';
import { createLogger } from '@enjambre/common/log/logger';
import { sleep } from '@enjambre/common/async/sleep';
import { waitFor } from '@enjambre/harness/wait-for';
import { EnjambreError } from '@enjambre/core/error';
import { infoHashToBytes, peerIdToBytes } from '@enjambre/core/ids';
import { AnnounceEvent, type ConnectResponse } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { dialer } from '@enjambre/harness/dialer';
import { TrackerLink } from '../../src/adapters/tracker/tracker-link.js';
import { TrackerPool } from '../../src/adapters/tracker/tracker-pool.js';
import type { Membership, SwarmListener } from '../../src/app/ports/tracker.js';
import { infoHash, peerNamed } from '../support/ids.js';
import { ScriptedTracker, type TrackerScript, type TrackerVisit } from '../support/scripted-tracker.js';
import { SilentPeer } from '../support/silent-peer.js';
import { shortenTimers } from '../support/shorten.js';
import { trackerPortContract } from './contract.js';
import { LinkSite } from './link-site.js';

type Delta = Extract<NonNullable<ConnectResponse['message']>, { $case: 'peerDelta' }>;
type Change = Parameters<SwarmListener['peers']>[0];

const WELCOME_TIMEOUT_MS = 10_000;
/** Four head starts, and a busy machine. */
const WAIT_MS = 3500;
const file = { name: 'model.bin', size: 1000, pieceLength: 16_384, fileCount: 1 };
const wireFile = { name: 'model.bin', sizeBytes: 1000n, pieceLength: 16_384n, fileCount: 1 };
const shared: Membership = {
  infohash: infoHash('aa'),
  origin: true,
  file,
  leftBytes: 0,
  downloadedBytes: 0,
  uploadedBytes: 5,
  addedAtMs: 0,
  signed: [],
};
const wanted: Membership = {
  infohash: infoHash('bb'),
  origin: false,
  file: undefined,
  leftBytes: 900,
  downloadedBytes: 100,
  uploadedBytes: 0,
  addedAtMs: 0,
  signed: [],
};

const identity = PeerIdentity.generate();
const log = createLogger({ name: 'test', level: 'silent' });
const trackers: ScriptedTracker[] = [];
const links: TrackerLink[] = [];

afterEach(async () => {
  await Promise.all(links.splice(0).map((link) => link.stop()));
  for (const tracker of trackers.splice(0)) tracker.kill();
});

async function tracked(script: TrackerScript = {}): Promise<{ tracker: ScriptedTracker; link: TrackerLink }> {
  const tracker = await new ScriptedTracker(script).start();
  trackers.push(tracker);
  return { tracker, link: linkTo([tracker.address]) };
}

function linkTo(addresses: readonly string[], its = identity): TrackerLink {
  const description = {
    name: 'agent',
    endpoints: [':7072', '10.0.0.7:7072'],
    labels: { zone: 'eu-1' },
    version: 'test',
  };
  const link = new TrackerLink({ identity: its, dialer, log }, { addresses, description: () => description });
  links.push(link);
  return link;
}

/** Two trackers; the link has a session with the first. */
async function twoTrackers(
  script: TrackerScript = {},
): Promise<{ link: TrackerLink; used: ScriptedTracker; other: ScriptedTracker }> {
  const two = [await new ScriptedTracker(script).start(), await new ScriptedTracker(script).start()];
  trackers.push(...two);
  const link = linkTo(two.map(({ address }) => address));
  await link.start();
  await connected(link);
  const [used, other] = two[0]!.address === link.address ? two : two.reverse();
  return { link, used: used!, other: other! };
}

describe('on a connection', () => {
  trackerPortContract(() => LinkSite.make());
});

describe('with a tracker that has lost its memory', () => {
  it('repeats its shares in the order in which they were added: the last one is the newest version', async () => {
    const { link, used, other } = await twoTrackers();
    const ages = [30, 10, 20];
    for (const addedAtMs of ages)
      link.announce(
        { ...shared, infohash: infoHash(`a${addedAtMs}`), addedAtMs, uploadedBytes: 0 },
        'started',
      );
    used.kill();
    await waitFor(() => link.connected && link.address === other.address, { what: 'the second tracker' });
    const repeated = (): string[] =>
      (other.last?.said ?? []).flatMap((message) =>
        message.$case === 'share' ? [Buffer.from(message.value.infohash).toString('hex').slice(0, 3)] : [],
      );
    await waitFor(() => repeated().length === ages.length, { what: 'all shares', seen: repeated });
    expect(repeated()).toEqual(['a10', 'a20', 'a30']);
  });
});

describe('with several trackers', () => {
  it('switches to the next when one disconnects, and announces everything again', async () => {
    const { link, used, other } = await twoTrackers();
    link.watch(infoHash('ab'), { peers: () => undefined });
    used.kill();
    await waitFor(() => link.connected && link.address === other.address, { what: 'the second tracker' });
    await said(other, 0, 1);
  });

  it('switches to the next when one announces that it stops', async () => {
    const { link, used, other } = await twoTrackers();
    used.last!.call.emit('error', { code: status.UNAVAILABLE, details: 'the tracker is stopping' });
    await waitFor(() => link.connected && link.address === other.address, { what: 'the second tracker' });
    expect(used.visits).toHaveLength(1);
  });

  it('has a higher epoch in each session than before', async () => {
    const { link, used, other } = await twoTrackers();
    used.kill();
    await waitFor(() => link.connected && link.address === other.address, { what: 'the second tracker' });
    const [before, after] = [used, other].map((tracker) => {
      const hello = tracker.last!.said[0]!;
      return hello.$case === 'hello' ? hello.value.epoch : 0n;
    });
    expect(before).toBeGreaterThan(0n);
    expect(after).toBeGreaterThan(before!);
  });

  it('asks the next when the one in use does not answer a lookup', async () => {
    const { link, used, other } = await twoTrackers({ listFiles: () => ({ files: [], nextPageToken: '' }) });
    used.kill();
    expect(await link.findFiles('x')).toEqual([]);
    other.kill();
    await expect(link.findFiles('x')).rejects.toMatchObject({ reason: 'NO_TRACKER' });
  });
});

describe('with trackers that mostly accept connections and do not answer', () => {
  const silent: SilentPeer[] = [];
  let good: ScriptedTracker;
  let link: TrackerLink;

  beforeEach(async () => {
    for (let number = 0; number < 4; number++) silent.push(await SilentPeer.start(`silent ${number}`, 'tcp'));
    good = await new ScriptedTracker({ listFiles: () => ({ files: [], nextPageToken: '' }) }).start();
    trackers.push(good);
    const addresses = [...silent.map(({ address }) => address.endpoint), good.address];
    link = linkTo(addresses, identityThatAsksLast(good.address, addresses));
  });

  afterEach(() => {
    for (const each of silent.splice(0)) each.stop();
  });

  /** In the order of an agent for which the tracker is the last. */
  function identityThatAsksLast(last: string, addresses: readonly string[]): PeerIdentity {
    for (;;) {
      const its = PeerIdentity.generate();
      const order = [...new TrackerPool(dialer, { addresses, key: its.peerId }).inTurn()];
      if (order.at(-1)?.address === last) return its;
    }
  }

  it('has a session with the one that answers within a few seconds', async () => {
    const beganMs = performance.now();
    await link.start();
    await connected(link);
    expect(link.address).toBe(good.address);
    expect(performance.now() - beganMs).toBeLessThan(WAIT_MS);
    expect(good.visits).toHaveLength(1);
  });

  it('gets a lookup answered as soon, even without a session', async () => {
    const beganMs = performance.now();
    expect(await link.findFiles('x')).toEqual([]);
    expect(performance.now() - beganMs).toBeLessThan(WAIT_MS);
  });

  it('reads events of the one that answers', async () => {
    const events = link.network.watchEvents(
      { types: [], since: undefined, replayOnly: true },
      new AbortController().signal,
    );
    await expect(events.next()).rejects.toMatchObject({ reason: 'UNIMPLEMENTED' });
  });
});

/** Everything but the hello, as soon as there is this much of it. */
async function said(tracker: ScriptedTracker, visit: number, count: number): Promise<TrackerVisit['said']> {
  return waitFor(
    () => {
      const messages = tracker.visits[visit]?.said.filter(({ $case }) => $case !== 'hello') ?? [];
      return messages.length >= count ? messages : undefined;
    },
    { what: `${count} messages in session ${visit}`, everyMs: 5 },
  );
}

const connected = (link: TrackerLink): Promise<boolean> =>
  waitFor(() => link.connected, { what: 'the session', everyMs: 5 });

function delta(value: Partial<Delta['value']>): Delta {
  return {
    $case: 'peerDelta',
    value: {
      infohash: infoHashToBytes(infoHash('bb')),
      snapshot: false,
      upserted: [],
      removed: [],
      ...value,
    },
  };
}

const bobsAddress = {
  name: 'bob',
  endpoint: '10.0.0.8:7072',
  endpoints: ['10.0.0.8:7072', '[fd99::8]:7072'],
  seeder: true,
  labels: {},
};
const bob = { id: peerIdToBytes(peerNamed('bob')), ...bobsAddress };

describe('TrackerLink', () => {
  it('answers the challenge with its signature, and introduces itself', async () => {
    const { tracker, link } = await tracked();
    expect([link.connected, link.problem]).toEqual([false, 'connecting']);
    await link.start();
    await connected(link);
    expect(tracker.last?.peerId).toBe(identity.peerId);
    expect(tracker.last?.said[0]).toMatchObject({
      $case: 'hello',
      value: {
        name: 'agent',
        endpoint: ':7072',
        endpoints: [':7072', '10.0.0.7:7072'],
        labels: { zone: 'eu-1' },
        version: 'test',
      },
    });
    expect([link.endpoint, link.problem]).toEqual(['10.0.0.7:7072', '']);
  });

  it('announces its memberships and their changes', async () => {
    const { tracker, link } = await tracked();
    await link.start();
    await connected(link);
    link.announce(shared, 'started');
    link.announce(wanted, 'started');
    link.announce({ ...wanted, leftBytes: 0, file }, 'completed');
    link.announce(wanted, 'failed', { reason: 'DISK_FULL', message: 'x'.repeat(600) });
    link.withdraw(wanted.infohash);
    link.withdraw(wanted.infohash); // It has already left.
    link.watch(wanted.infohash, { peers: () => undefined });
    link.unwatch(wanted.infohash);
    const infohash = infoHashToBytes(wanted.infohash);
    expect(await said(tracker, 0, 7)).toMatchObject([
      {
        $case: 'share',
        value: { infohash: infoHashToBytes(shared.infohash), file: wireFile, restated: false },
      },
      {
        $case: 'announce',
        value: {
          infohash,
          event: AnnounceEvent.STARTED,
          leftBytes: 900n,
          downloadedBytes: 100n,
          file: undefined,
        },
      },
      { $case: 'announce', value: { event: AnnounceEvent.COMPLETED, leftBytes: 0n, file: wireFile } },
      {
        $case: 'announce',
        value: { event: AnnounceEvent.FAILED, reason: 'DISK_FULL', message: 'x'.repeat(512) },
      },
      { $case: 'withdraw', value: { infohash } },
      { $case: 'watch', value: { infohash } },
      { $case: 'unwatch', value: { infohash } },
    ]);
  });

  it('repeats signed publications of the content, once its name is known, and no others', async () => {
    const facts = { name: file.name, version: 1, at: 5, publisherName: 'alice' };
    const sign = (change: Partial<PublicationFacts> = {}): string =>
      signPublication(identity, { ...facts, infohash: shared.infohash, ...change }).toString('base64');
    const others = [sign({ name: 'other' }), sign({ infohash: wanted.infohash }), 'bm9uZQ=='];
    const membership = { ...shared, signed: [sign(), ...others] };
    const { tracker, link } = await tracked();
    await link.start();
    await connected(link);
    link.announce({ ...membership, origin: false, file: undefined }, 'started');
    link.announce({ ...membership, origin: false }, 'completed');
    link.announce(membership, 'started');
    link.announce(membership, 'numbers');
    const publications = (await said(tracker, 0, 4)).map(
      (message) => 'publications' in message.value && message.value.publications.length,
    );
    expect(publications).toEqual([0, 1, 1, 0]);
  });

  it('announces as news what happened while there was no session', async () => {
    const { tracker, link } = await tracked();
    link.announce(shared, 'started');
    link.announce(wanted, 'started');
    link.announce({ ...wanted, leftBytes: 0 }, 'completed');
    await link.start();
    const said0 = await said(tracker, 0, 5);
    const events = said0.map((message) =>
      message.$case === 'share'
        ? `share${message.value.restated ? ' again' : ''}`
        : message.$case === 'announce'
          ? AnnounceEvent[message.value.event]
          : message.$case,
    );
    expect(events.filter((event) => event !== 'UNSPECIFIED')).toEqual([
      'share',
      'share again',
      'STARTED',
      'COMPLETED',
    ]);
  });

  it('announces again in a new session everything that still holds, as nothing new', async () => {
    const { tracker, link } = await tracked();
    link.announce(shared, 'started'); // Before there is any session.
    await link.start();
    await connected(link);
    link.announce(wanted, 'started');
    link.announce({ ...wanted, leftBytes: 300 }, 'update');
    link.watch(wanted.infohash, { peers: () => undefined });
    link.announce({ ...shared, infohash: infoHash('cc') }, 'started');
    link.withdraw(infoHash('cc'));
    link.watch(infoHash('dd'), { peers: () => undefined });
    link.unwatch(infoHash('dd'));
    await said(tracker, 0, 8);
    tracker.kill();
    await waitFor(() => !link.connected, { what: 'the end of the session' });
    link.announce({ ...wanted, leftBytes: 200 }, 'update'); // In between.
    await tracker.start();
    await connected(link);
    const again = await said(tracker, 1, 4);
    expect(again).toHaveLength(4);
    expect(again).toMatchObject([
      { $case: 'share', value: { infohash: infoHashToBytes(shared.infohash), restated: true } },
      { $case: 'announce', value: { infohash: infoHashToBytes(shared.infohash), uploadedBytes: 5n } },
      { $case: 'announce', value: { event: AnnounceEvent.UNSPECIFIED, leftBytes: 200n } },
      { $case: 'watch', value: { infohash: infoHashToBytes(wanted.infohash) } },
    ]);
  });

  it('numbers its messages in each session, starting from 1', async () => {
    const sequences: bigint[] = [];
    const { tracker, link } = await tracked({
      connected: (visit) => {
        visit.call.on('data', ({ sequence }: { sequence: bigint }) => sequences.push(sequence));
        visit.tell({ $case: 'challenge', value: { nonce: Buffer.alloc(32, 7) } });
      },
    });
    await link.start();
    await connected(link);
    for (let round = 0; round < 3; round++) link.announce(shared, 'update');
    await said(tracker, 0, 3);
    expect(sequences).toEqual([1n, 2n, 3n, 4n]);
  });

  it('waits longer after each failure, and reports why there is no session', async () => {
    const { tracker, link } = await tracked({
      connected: ({ call }) =>
        void call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'too many peers' }),
    });
    await link.start();
    await waitFor(() => tracker.visits.length >= 4, { what: 'four attempts', everyMs: 5 });
    const gaps = tracker.visits.slice(1).map(({ atMs }, index) => atMs - tracker.visits[index]!.atMs);
    [100, 200, 400].forEach((least, index) => expect(gaps[index]).toBeGreaterThan(least - 5));
    expect([link.connected, link.problem, link.endpoint]).toEqual([false, 'too many peers', '']);
  });

  it('returns to a tracker without room when that asks for it, and asks another tracker at once', async () => {
    const full = (): TrackerScript => ({
      greeted: ({ call }) => {
        const details = { retryAfterMs: 1500 };
        const error = new EnjambreError('exhausted', 'TOO_MANY_PEERS', 'full', details);
        call.emit('error', toServiceError(error, 'enjambre.tracker'));
      },
    });
    const { tracker, link } = await tracked(full());
    const two = [await new ScriptedTracker(full()).start(), await new ScriptedTracker(full()).start()];
    trackers.push(...two);
    await Promise.all([link.start(), linkTo(two.map(({ address }) => address)).start()]);
    const visits = (): number[] => [tracker, ...two].map((one) => one.visits.length);
    await waitFor(() => visits().every((count) => count >= 2), { what: 'two attempts', seen: visits });
    expect(tracker.visits[1]!.atMs - tracker.visits[0]!.atMs).toBeGreaterThan(1195);
    const [first, second, third] = two
      .flatMap((one) => one.visits.map(({ atMs }) => atMs))
      .sort((a, b) => a - b);
    expect(second! - first!).toBeLessThan(1000);
    expect(third! - second!).toBeGreaterThan(1195);
  });

  it('reconnects soon after a session that worked', async () => {
    let refuse = false;
    const { tracker, link } = await tracked({
      connected: (visit) => {
        if (refuse) visit.call.emit('error', { code: status.UNAVAILABLE, details: 'not now' });
        else visit.tell({ $case: 'challenge', value: { nonce: Buffer.alloc(32, 7) } });
      },
    });
    await link.start();
    await connected(link);
    refuse = true;
    tracker.last!.call.end();
    await waitFor(() => tracker.visits.length >= 4, { what: 'failures' });
    refuse = false;
    await waitFor(() => link.connected, { what: 'the session', everyMs: 5 });
    const before = tracker.visits.length;
    await sleep(600, new AbortController().signal); // A good session lasts at least half a second.
    const endedMs = performance.now();
    tracker.last!.call.end();
    const next = await waitFor(() => tracker.visits[before], { what: 'the next session', everyMs: 5 });
    expect(next.atMs - endedMs).toBeLessThan(600); // 200 ms at most, and a busy machine.
  });

  it.each<[string, TrackerScript]>([
    ['never says anything', { connected: () => undefined }],
    ['never welcomes it', { greeted: () => undefined }],
  ])('does not wait forever for a tracker that %s', async (_, script) => {
    const { restore } = shortenTimers(WELCOME_TIMEOUT_MS, 100);
    const { tracker, link } = await tracked(script);
    await link.start();
    await waitFor(() => tracker.visits.length >= 2, { what: 'a second attempt' });
    restore();
    expect(link.problem).toBe('the tracker did not answer in time');
  });

  it('notifies watchers of their swarm, and none after the watch ended', async () => {
    const changes: Change[] = [];
    const { tracker, link } = await tracked();
    await link.start();
    await connected(link);
    link.watch(wanted.infohash, { peers: (change) => changes.push(change) });
    tracker.last!.tell(
      delta({ snapshot: true, upserted: [bob] }),
      delta({ infohash: infoHashToBytes(infoHash('ee')) }),
      delta({ removed: [bob.id] }),
    );
    await waitFor(() => changes.length >= 2, { what: 'the changes', everyMs: 5 });
    expect(changes).toEqual([
      { snapshot: true, upserted: [{ ...bobsAddress, peerId: peerNamed('bob') }], removed: [] },
      { snapshot: false, upserted: [], removed: [peerNamed('bob')] },
    ]);
    link.unwatch(wanted.infohash);
    tracker.last!.tell(delta({ upserted: [bob] }), {
      $case: 'problem',
      value: { sequence: 1n, infohash: Buffer.alloc(0), reason: 'X', message: 'x' },
    });
    link.announce(shared, 'update');
    await said(tracker, 0, 3);
    expect(changes).toHaveLength(2);
  });

  it('says which files have a publication that the tracker refuses as of the future', async () => {
    const files: string[] = [];
    const { tracker, link } = await tracked();
    link.onFuturePublication((infohash) => files.push(infohash));
    await link.start();
    await connected(link);
    const problem = (reason: string, infohash: Buffer): Parameters<TrackerVisit['tell']>[0] => {
      return { $case: 'problem', value: { sequence: 1n, infohash, reason, message: 'no' } };
    };
    tracker.last!.tell(
      problem('BAD_PUBLICATION', infoHashToBytes(infoHash('aa'))),
      problem('PUBLICATION_IN_FUTURE', Buffer.alloc(0)),
      problem('PUBLICATION_IN_FUTURE', infoHashToBytes(infoHash('bb'))),
    );
    await waitFor(() => files.length > 0, { what: 'the file', everyMs: 5 });
    expect(files).toEqual([infoHash('bb')]);
  });

  it('ignores invalid peers, and continues', async () => {
    const changes: Change[] = [];
    const { tracker, link } = await tracked();
    await link.start();
    await connected(link);
    link.watch(wanted.infohash, { peers: (change) => changes.push(change) });
    tracker.last!.tell(
      delta({ infohash: Buffer.alloc(20) }),
      delta({ upserted: [{ ...bob, id: Buffer.alloc(31) }] }),
      delta({ removed: [Buffer.alloc(0)] }),
      {
        $case: 'problem',
        value: { sequence: 9n, infohash: Buffer.alloc(7), reason: 'INVALID_INFOHASH', message: 'no' },
      },
      delta({ upserted: [bob] }),
    );
    await waitFor(() => changes.length > 0, { what: 'a change', everyMs: 5 });
    expect(changes).toMatchObject([{ upserted: [{ name: 'bob' }] }]);
    expect([link.connected, tracker.visits.length]).toEqual([true, 1]);
  });

  it('reports a ban once: at once, or in the next session, and then the last twenty', async () => {
    const { tracker, link } = await tracked();
    const banOf = (number: number) => ({
      peerId: peerNamed(`peer ${number}`),
      reason: `reason ${number}`,
      infohash: wanted.infohash,
    });
    for (let number = 0; number < 25; number++) link.reportBan(banOf(number));
    await link.start();
    await connected(link);
    link.reportBan(banOf(25));
    const bansOf = (visit: number): string[] =>
      tracker.visits[visit]!.said.flatMap((said) => (said.$case === 'ban' ? [said.value.message] : []));
    await waitFor(() => bansOf(0).includes('reason 25'), { what: 'the last ban', everyMs: 5 });
    expect(bansOf(0)).toEqual(Array.from({ length: 21 }, (_, index) => `reason ${index + 5}`));
    expect(tracker.last!.said).toContainEqual({
      $case: 'ban',
      value: {
        peerId: peerIdToBytes(peerNamed('peer 25')),
        message: 'reason 25',
        infohash: infoHashToBytes(wanted.infohash),
      },
    });
    tracker.last!.call.end();
    await waitFor(() => tracker.visits.length === 2 && link.connected, { what: 'the next session' });
    link.announce(shared, 'update');
    await waitFor(() => tracker.last!.said.some(({ $case }) => $case === 'share'), { what: 'a share' });
    expect(bansOf(1)).toEqual([]);
  });

  it('ends its session cleanly when it stops, and does not reconnect', async () => {
    const { tracker, link } = await tracked();
    await link.start();
    await connected(link);
    await link.stop();
    await waitFor(() => tracker.last?.ended, { what: 'the end of the session', everyMs: 5 });
    expect(tracker.visits).toHaveLength(1);
  });

  it('finds the files that the tracker lists', async () => {
    const { link } = await tracked({
      listFiles: ({ query, pageSize }) => ({
        files: [
          {
            ...wireFile,
            infohash: infoHash('aa'),
            name: `${query} ${pageSize}`,
            seederCount: 1,
            leecherCount: 0,
            sharedAt: undefined,
            publisherName: '',
            disputed: false,
            publications: [],
            superseded: false,
          },
        ],
        nextPageToken: '',
      }),
    });
    const publisher = { publications: [], superseded: false, disputed: false };
    expect(await link.findFiles('mod')).toEqual([
      { ...file, ...publisher, infohash: infoHash('aa'), name: 'mod 1000' },
    ]);
  });

  it('asks for the files of one publisher, and ends with the signal that it got', async () => {
    let asked = '';
    const { link } = await tracked({
      listFiles: ({ publisher }) => {
        asked = publisher;
        return undefined;
      },
    });
    const ends = new AbortController();
    const found = link.findFiles('x', { publisher: 'alice', signal: ends.signal });
    await waitFor(() => asked === 'alice', { what: 'the request' });
    ends.abort();
    await expect(found).rejects.toMatchObject({ code: 'cancelled' });
  });

  it('explains in one sentence, with its address, that the tracker cannot be reached', async () => {
    const { tracker, link } = await tracked();
    tracker.kill();
    await expect(link.findFiles('x')).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'NO_TRACKER',
      message: `the tracker at ${tracker.address} cannot be reached: start it, or choose another`,
      metadata: { setting: 'tracker' },
    });
  });

  it('passes on an error of a tracker that answers', async () => {
    const away = new EnjambreError('unavailable', 'NATS_UNREACHABLE', 'NATS at n:4222 is away: try again');
    const { link } = await tracked({ listFiles: () => toServiceError(away, 'enjambre.tracker') });
    await expect(link.findFiles('x')).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'NATS_UNREACHABLE',
      message: 'NATS at n:4222 is away: try again',
    });
  });

  it('passes on other errors of a lookup', async () => {
    const { link } = await tracked({
      listFiles: () => ({ code: status.INVALID_ARGUMENT, details: 'a bad page' }),
    });
    await expect(link.findFiles('x')).rejects.toMatchObject({ code: 'invalid', message: 'a bad page' });
  });
});
