import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { connectToNats } from '@enjambre/harness/nats-client';
import { NatsServer } from '@enjambre/harness/nats-server';
import { DAY_MS, MemberTls, TestNetwork, type Member } from '@enjambre/harness/trust';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Msg, NatsConnection } from 'nats';
import { encodeMessage } from '../../src/adapters/nats/convert-replica.js';
import { REPLICAS_SUBJECT, snapshotSubject } from '../../src/adapters/nats/names.js';
import { NatsStore } from '../../src/adapters/nats/nats-store.js';
import { ReplicaSeal } from '../../src/adapters/nats/replica-seal.js';
import { thisHost } from '../../src/adapters/tracker-host.js';
import type { ReplicaMessage } from '../../src/domain/replica-state.js';
import { RecordingTracker } from './contract.js';

const log = createLogger({ name: 'tracker', level: 'silent' });
const TRACKER = { role: 'tracker' } as const;

let nats: NatsServer;
let network: TestNetwork;
let another: TestNetwork;
let stranger: NatsConnection;
const trackers: RecordingTracker[] = [];
const links: NatsLink[] = [];

beforeAll(async () => {
  nats = await NatsServer.start();
  [network, another] = await Promise.all([TestNetwork.create('test'), TestNetwork.create('test')]);
});

afterAll(() => nats.stop());

beforeEach(async () => {
  stranger = await connectToNats(nats.url);
});

afterEach(async () => {
  await Promise.all(trackers.splice(0).map(({ store }) => store.stop()));
  await Promise.all(links.splice(0).map((link) => link.stop()));
  await stranger.close();
});

const sealOf = (member: Member, required = true): ReplicaSeal =>
  new ReplicaSeal(new MemberTls(member), { required });

async function started(seal: ReplicaSeal | undefined): Promise<RecordingTracker> {
  const link = new NatsLink({ log }, { url: nats.url, name: 'test' });
  links.push(link);
  await link.start();
  const tracker = new RecordingTracker((id) => new NatsStore({ link, log, seal }, { id, replicas: 'auto' }));
  trackers.push(tracker);
  await tracker.store.start(tracker);
  await waitFor(() => tracker.store.available, { what: 'the store' });
  return tracker;
}

/** What the stranger publishes: a farewell of `replica`, which would make others drop its agents. */
const farewellOf = (replica: string): Uint8Array => {
  const message = { type: 'farewell', replica, sequence: 9 } as unknown as ReplicaMessage;
  return encodeMessage(message, thisHost());
};

describe('messages between trackers with TLS', () => {
  test('count if a tracker of the network has signed them, also with a new certificate', async () => {
    const tls = new MemberTls(await network.member(TRACKER));
    const one = await started(new ReplicaSeal(tls, { required: true }));
    const other = await started(sealOf(await network.member(TRACKER)));
    one.say(1);
    await waitFor(() => other.messages.length === 1, { what: 'the first message' });
    tls.renew(await network.member(TRACKER));
    one.say(2);
    await waitFor(() => other.messages.length === 2, { what: 'the message with the new certificate' });
    expect(await other.store.snapshotOf(one.id, AbortSignal.timeout(5000))).toEqual(one.holds);
    expect(other.store.ignored).toBe(0);
  });

  test.each<[string, () => Promise<ReplicaSeal | undefined>]>([
    ['without a signature', () => Promise.resolve(undefined)],
    ['of an agent', async () => sealOf(await network.member())],
    ['of a tracker of another CA', async () => sealOf(await another.member(TRACKER))],
    [
      'of a tracker whose certificate has expired',
      async () => sealOf(await network.member({ ...TRACKER, issuedAt: Date.now() - 2 * DAY_MS })),
    ],
  ])('are refused %s', async (_, sealFor) => {
    const [one, other] = [
      await started(sealOf(await network.member(TRACKER))),
      await started(sealOf(await network.member(TRACKER))),
    ];
    const seal = await sealFor();
    const data = farewellOf(one.id);
    const headers = seal?.headersFor({ subject: REPLICAS_SUBJECT, data });
    stranger.publish(REPLICAS_SUBJECT, data, headers ? { headers } : {});
    await waitFor(() => other.store.ignored === 1, { what: 'the refusal' });
    // A request for all agents is refused as well, and so is a forged answer.
    stranger.publish(snapshotSubject(one.id), data, { reply: 'answers' });
    await waitFor(() => one.store.ignored === 1, { what: 'the refusal of the request' });
    const absent = 'f'.repeat(32);
    stranger.subscribe(snapshotSubject(absent), {
      callback: (__, { reply }) => stranger.publish(reply!, Buffer.from('all agents')),
    });
    await stranger.flush();
    const forged = other.store.snapshotOf(absent, AbortSignal.timeout(5000));
    await expect(forged).rejects.toThrow('is refused');
    expect(other.messages).toEqual([]);
  });

  test('are refused a second time, with another subject, and with another content', async () => {
    const heard: Msg[] = [];
    stranger.subscribe(REPLICAS_SUBJECT, { callback: (_, message) => heard.push(message) });
    await stranger.flush();
    const [one, other] = [
      await started(sealOf(await network.member(TRACKER))),
      await started(sealOf(await network.member(TRACKER))),
    ];
    one.say(1);
    await waitFor(() => heard.length === 1 && other.messages.length === 1, { what: 'the message' });
    const [{ data, headers }] = heard as [Msg];
    const again = { ...(headers && { headers }) };
    stranger.publish(REPLICAS_SUBJECT, data, again);
    stranger.publish(REPLICAS_SUBJECT, farewellOf(one.id), again);
    stranger.publish(snapshotSubject(other.id), data, { ...again, reply: 'answers' });
    await waitFor(() => other.store.ignored === 3, { what: 'the refusals' });
    one.say(2);
    await waitFor(() => other.messages.length === 2, { what: 'the next message' });
    expect(other.messages.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  test('without a signature count only while the network moves to TLS', async () => {
    const plain = await started(undefined);
    const moving = await started(sealOf(await network.member(TRACKER), false));
    plain.say(1);
    await waitFor(() => moving.messages.length === 1, { what: 'the unsigned message' });
    moving.say(1);
    await waitFor(() => plain.messages.length === 1, { what: 'the signed message' });
  });
});
