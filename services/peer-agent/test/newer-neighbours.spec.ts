import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { createLogger } from '@enjambre/common/log/logger';
import { newer } from '@enjambre/harness/newer';
import { waitFor } from '@enjambre/harness/wait-for';
import { PeerServiceService } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { dialer } from '@enjambre/harness/dialer';
import { RelayLink } from '../src/adapters/messaging/relay-link.js';
import { TrackerLink } from '../src/adapters/tracker/tracker-link.js';
import type { Delivery } from '../src/app/ports/messaging.js';
import type { SwarmListener } from '../src/app/ports/tracker.js';
import { bytesOf, metainfoOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { bitfield, have, RawDownloader, request } from './support/downloader.js';
import { TestFolder } from './support/folder.js';
import { HostileUploader, type Victim } from './support/hostile-uploader.js';
import { infoHash, peerNamed } from './support/ids.js';
import { ScriptedRelay } from './support/scripted-relay.js';
import { ScriptedTracker } from './support/scripted-tracker.js';
import { Uploader } from './support/uploader.js';

const BLOCK = 256 * 1024;
const data = bytesOf(5 * BLOCK + 1000);
const content = { data, metainfo: metainfoOf(data, BLOCK) };
const PIECES = 6;
const log = createLogger({ name: 'test', level: 'silent' });
const identity = PeerIdentity.generate();
const endings: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

function ending<T>(made: T, end: (made: T) => unknown): T {
  endings.push(() => end(made));
  return made;
}

/** A message without anything that this version knows. */
const unknown = ({ sync, fetch }: Victim): void => {
  if (fetch) fetch.write({ message: undefined });
  else sync.write({ message: undefined });
};

describe('a downloader of a newer version', () => {
  let downloader: RawDownloader;

  beforeEach(async () => {
    const folder = ending(await TestFolder.make(), (one) => one.remove());
    const path = await folder.write('file.bin', data);
    const uploader = ending(await Uploader.start(content.metainfo, path), (one) => one.stop());
    downloader = new RawDownloader(uploader);
    const { sync, fetch } = newer(PeerServiceService);
    const { client } = downloader;
    Object.assign(client, {
      sync: () => client.makeBidiStreamRequest(sync.path, sync.requestSerialize, sync.responseDeserialize),
      fetch: () =>
        client.makeBidiStreamRequest(fetch.path, fetch.requestSerialize, fetch.responseDeserialize),
    });
  });

  it('is greeted and informed, with unknown messages in between', async () => {
    const sync = downloader.sync();
    const say = (): unknown => sync.call.write({ message: undefined });
    say();
    sync.say(downloader.hello(), bitfield(0));
    const [hello] = await sync.hear('hello');
    expect(hello?.version).toBe('test');
    say();
    sync.say(have(0));
    await sync.hear('bitfield');
  });

  it('receives its blocks, with unknown messages in between', async () => {
    await downloader.greetedSync(PIECES);
    const fetch = downloader.fetch();
    const say = (): unknown => fetch.call.write({ message: undefined });
    say();
    fetch.say(downloader.hello(), request(1, 0, 0, BLOCK));
    await fetch.hear('block', 1);
    say();
    fetch.say(request(2, 5, 0, 1000));
    const [, last] = await fetch.hear('block', 2);
    expect(data.subarray(5 * BLOCK).equals(last!.data)).toBe(true);
  });
});

it('downloads from an uploader of a newer version, with unknown messages in between', async () => {
  const agent = ending(await DownloadAgent.start(), (one) => one.stop());
  const made: HostileUploader[] = [];
  const script = {
    newer: true,
    challenge: (victim: Victim) => {
      unknown(victim);
      victim.say(made[0]!.challenge());
      unknown(victim);
    },
    greet: (victim: Victim) => {
      victim.say(made[0]!.hello());
      unknown(victim);
      victim.say(made[0]!.bitfield());
    },
    ready: unknown,
    request: (asked: Parameters<HostileUploader['block']>[0], victim: Victim) => {
      unknown(victim);
      victim.answer(made[0]!.block(asked));
      unknown(victim);
    },
  };
  made.push(ending(await HostileUploader.start('newer', content, script), (one) => one.stop()));
  agent.tracker.add(made[0]!.address);
  const transfer = await agent.download(content.metainfo);
  expect((await agent.finished(transfer)).equals(data)).toBe(true);
  expect(agent.bans.struck).toEqual([]);
  expect(made[0]!.visits).toBe(1);
});

it('keeps its session with a tracker of a newer version, and receives peers', async () => {
  const tracker = ending(new ScriptedTracker({ newer: true }), (one) => one.kill());
  await tracker.start();
  const description = { name: 'agent', endpoints: [':7072'], labels: {}, version: 'test' };
  const link = ending(
    new TrackerLink(
      { identity, dialer, log },
      { addresses: [tracker.address], description: () => description },
    ),
    (one) => one.stop(),
  );
  const changes: Parameters<SwarmListener['peers']>[0][] = [];
  link.watch(infoHash('ab'), { peers: (change) => changes.push(change) });
  await link.start();
  await waitFor(() => link.connected, { what: 'the welcome' });
  expect(link.version).toBe('test');
  const visit = tracker.last!;
  visit.call.write({ message: undefined });
  const peer = {
    id: Buffer.alloc(32, 1),
    name: 'p',
    endpoint: '10.0.0.9:1',
    endpoints: [],
    seeder: true,
    labels: {},
  };
  const value = {
    infohash: Buffer.from(infoHash('ab'), 'hex'),
    snapshot: true,
    upserted: [peer],
    removed: [],
  };
  visit.tell({ $case: 'peerDelta', value });
  await waitFor(() => changes.length > 0, { what: 'the peers' });
  expect(changes[0]?.upserted.map(({ name }) => name)).toEqual(['p']);
  expect(tracker.visits).toHaveLength(1);
});

it('keeps its session with a messaging service of a newer version, and receives its messages', async () => {
  const relay = ending(await new ScriptedRelay(true).start(), (one) => one.kill());
  const link = ending(
    new RelayLink({ identity, dialer, log }, { address: relay.address, name: 'agent', version: 'test' }),
    (one) => one.stop(),
  );
  const delivered: Delivery[] = [];
  link.receive({
    cursor: 0n,
    hasRoom: true,
    connected: () => undefined,
    deliver: (deliveries) => {
      delivered.push(...deliveries);
      return Promise.resolve();
    },
  });
  await link.start();
  await waitFor(() => link.problem === '', { what: 'the session' });
  relay.last!.deliver(1n, 'm1', { text: 'hello' });
  await waitFor(() => relay.last!.acknowledged.length > 0, { what: 'the acknowledgement' });
  expect(delivered.map(({ message }) => message.text)).toEqual(['hello']);
  expect(relay.visits).toHaveLength(1);
  expect(relay.last!.peerId).toBe(identity.peerId);
  expect(peerNamed('alice')).toBe(delivered[0]?.message.senderId);
});
