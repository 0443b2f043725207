import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { Authority } from '@enjambre/common/trust/authority';
import { revoke } from '@enjambre/common/trust/revoke';
import { EnjambreError } from '@enjambre/core/error';
import { connectToNats } from '@enjambre/harness/nats-client';
import { NatsServer } from '@enjambre/harness/nats-server';
import { DAY_MS, MemberTls, TestNetwork, type Member } from '@enjambre/harness/trust';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Msg, MsgHdrs, NatsConnection } from 'nats';
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
    const forged = other.store.snapshotOf(absent, AbortSignal.timeout(500));
    await expect(forged).rejects.toThrow('it did not answer in time');
    expect(other.store.ignored).toBe(2);
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

  test('of a stranger do not end a request for a snapshot', async () => {
    const [one, other] = [
      await started(sealOf(await network.member(TRACKER))),
      await started(sealOf(await network.member(TRACKER))),
    ];
    stranger.subscribe(snapshotSubject(one.id), {
      callback: (_, { reply }) => stranger.publish(reply!, Buffer.from('all agents')),
    });
    await stranger.flush();
    one.holds = { sequence: 3, sessions: [] };
    for (let round = 0; round < 5; round++)
      expect(await other.store.snapshotOf(one.id, AbortSignal.timeout(5000))).toEqual(one.holds);
    await waitFor(() => other.store.ignored > 0, { what: 'a refusal' });
  });
});

describe('a seal', () => {
  const message = { subject: 'subject', data: Buffer.from('data') };
  const refusalOf = (seal: ReplicaSeal, headers: MsgHdrs): string => {
    try {
      seal.check({ ...message, headers }, 'source');
    } catch (error) {
      return EnjambreError.from(error).reason;
    }
    return '';
  };

  test('checks a limited number of unknown certificates a second, and known ones all the same', async () => {
    const [own, known] = [sealOf(await network.member(TRACKER)), sealOf(await network.member(TRACKER))];
    expect(refusalOf(own, known.headersFor(message))).toBe('');
    const foreign = (await another.member(TRACKER)).cert;
    const reasons = new Set<string>();
    for (let number = 0; number < 200; number++) {
      const headers = known.headersFor(message);
      headers.set('Enjambre-Certificate', Buffer.from(`${foreign}${number}`).toString('base64'));
      reasons.add(refusalOf(own, headers));
    }
    expect([...reasons]).toEqual(['BAD_SIGNATURE', 'TOO_MANY_MESSAGES']);
    expect(refusalOf(own, known.headersFor(message))).toBe('');
  });

  test('checks a limited number of signatures a second', async () => {
    const [own, known] = [sealOf(await network.member(TRACKER)), sealOf(await network.member(TRACKER))];
    const headers = known.headersFor({ ...message, subject: 'other' });
    const reasons = new Set<string>();
    for (let number = 0; number < 10_000; number++) reasons.add(refusalOf(own, headers));
    expect([...reasons]).toEqual(['BAD_SIGNATURE', 'TOO_MANY_MESSAGES']);
  });

  test('refuses a tracker whose peer id was revoked', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'enjambre-replicas-'));
    const { peerId } = PeerIdentity.generate();
    const tls = new MemberTls(await network.member(TRACKER));
    const entry = { peer: peerId, revokedAt: Date.now(), expiresAt: Date.now() + DAY_MS };
    await revoke(network.inFolder(folder), [entry], Date.now());
    tls.revocations.take(await readFile(join(folder, 'revoked.json'), 'utf8'));
    await rm(folder, { recursive: true });
    const revoked = sealOf(await network.member({ ...TRACKER, peerId }));
    expect(refusalOf(new ReplicaSeal(tls, { required: true }), revoked.headersFor(message))).toBe(
      'BAD_SIGNATURE',
    );
  });

  test.each<[string, KeyPairKeyObjectResult]>([
    ['Ed25519', generateKeyPairSync('ed25519')],
    ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
  ])('signs with a key of %s', async (_, { privateKey, publicKey }) => {
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const authority = await Authority.open({ cert: network.ca, key: network.key });
    const cert = await authority.issue(
      publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      { ...TRACKER, names: [], peerId: undefined },
      { now: Date.now(), ttlMs: DAY_MS },
    );
    const seal = sealOf({ ca: network.ca, cert, key });
    const own = sealOf(await network.member(TRACKER));
    expect(refusalOf(own, seal.headersFor(message))).toBe('');
    expect(refusalOf(own, seal.headersFor({ ...message, reply: 'elsewhere' }))).toBe('BAD_SIGNATURE');
  });
});
