import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import { connectToNats } from '@enjambre/harness/nats-client';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import { StoredMessage } from '@enjambre/proto/gen/enjambre/messaging/v1/stored_message';
import type { JetStreamOptions } from '../../src/adapters/jetstream/jetstream-access.js';
import { JetStreamStore } from '../../src/adapters/jetstream/jetstream-store.js';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { DiscardPolicy } from 'nats';
import { BUCKET, inboxSubject, outboxSubject, STREAM, SUBJECTS } from '../../src/adapters/jetstream/names.js';
import { outgoing, sampleMessage, samplePeer } from '../support/samples.js';
import { encodeOutbox } from '../../src/adapters/jetstream/stored.js';
import { messageStoreContract } from './contract.js';

const [alice, bob, carol] = [samplePeer(1), samplePeer(2), samplePeer(3)] as const;
const NEW = { seenAt: 0, knownSince: 0, namedAt: 0, presentMs: 0 };
const ALICE = { ...alice, ...NEW, party: '10.0.0.1', tookPart: true };
const BOB = { ...bob, ...NEW, presentMs: 7, party: '2001:db8:0:1::/64', tookPart: false };
const USUAL = { maxAgeMs: 3_600_000, maxBytes: 1 << 26, duplicateWindowMs: 600_000 };
const log = createLogger({ name: 'messaging', level: 'silent' });

describe('JetStream', () => {
  let nats: NatsServer;

  beforeAll(async () => {
    nats = await NatsServer.start();
  });

  afterAll(() => nats.stop());

  messageStoreContract(async (maxBytes) => {
    await emptied(nats.url);
    const store = open(nats.url, { ...USUAL, maxBytes });
    await store.start();
    return store;
  });
});

describe('a JetStream store', () => {
  let nats: NatsServer;

  beforeAll(async () => {
    nats = await NatsServer.start();
  });

  beforeEach(() => emptied(nats.url));

  afterAll(() => nats.stop());

  const started = async (): Promise<JetStreamStore> => {
    const store = open(nats.url);
    await store.start();
    return store;
  };

  test('restores peers, rooms, messages, cursors and backlogs after a restart', async () => {
    const before = await started();
    await before.savePeer({ ...ALICE, seenAt: 1 });
    await before.savePeer({ ...ALICE, name: 'renamed', seenAt: 2 });
    await before.savePeer({ ...BOB, seenAt: 3 });
    await before.saveMembership({ room: 'ñ. *>', peer: alice.id, joinedAt: 5 });
    await before.saveMembership({ room: 'gone', peer: alice.id, joinedAt: 5 });
    await before.deleteMembership({ room: 'gone', peer: alice.id });
    const name = { id: carol.id, name: 'ñ', namedAt: 1, party: '10.0.0.1', keptUntil: 2 };
    await before.saveName(name);
    await before.saveName({ ...name, id: bob.id });
    await before.deleteName(bob.id);
    const messages = [1, 2, 3].map(() => sampleMessage(alice, bob));
    for (const message of messages) await before.put(outgoing(message));
    const inbox = await before.open(bob.id, 0);
    inbox.acknowledge((await inbox.next())!.id);
    await before.stop();

    const after = await started();
    expect(await after.contacts()).toEqual({
      peers: [
        { ...ALICE, name: 'renamed', seenAt: 2 },
        { ...BOB, seenAt: 3 },
      ],
      memberships: [{ room: 'ñ. *>', peer: alice.id, joinedAt: 5 }],
      names: [name],
    });
    expect(after.pending.of(bob.id).messages).toBe(2);
    const again = await after.open(bob.id, 0);
    expect([(await again.next())!.message, (await again.next())!.message]).toEqual(messages.slice(1));
    expect(await after.put(outgoing(messages[0]!))).toMatchObject({ duplicate: true, fresh: false });
    await after.stop();
  });

  test('completes a fan-out interrupted by a crash', async () => {
    const store = await started();
    await store.contacts();
    const message = sampleMessage(alice, bob, { target: { kind: 'everyone' } });
    const whole = outgoing(message, [bob.id, carol.id]);
    // The state after a crash behind the first copy: the sender's copy, under the id that the service writes.
    const connection = await connectToNats(nats.url);
    const msgID = createHash('sha256').update(`${alice.id}\0\0${message.id}`).digest('base64url');
    await connection.jetstream().publish(outboxSubject(alice.id), encodeOutbox(whole), { msgID });
    await connection.close();
    const retried = await store.put(outgoing({ ...message, sentAt: message.sentAt + 5 }, [bob.id]));
    expect(retried).toMatchObject({ message, duplicate: true, fresh: true, receivers: [bob.id, carol.id] });
    for (const { id } of [bob, carol]) {
      expect((await (await store.open(id, 0)).next())!.message).toEqual(message);
    }
    await store.stop();
  });

  test('ignores foreign messages in an inbox, and in a history', async () => {
    const store = await started();
    const messages = [sampleMessage(alice, bob), sampleMessage(alice, bob)];
    await store.put(outgoing(messages[0]!));
    const connection = await connectToNats(nats.url);
    const js = connection.jetstream();
    for (const subject of [inboxSubject(bob.id), outboxSubject(alice.id), 'enjambre-messages.inbox.x']) {
      for (const junk of ['', '{"text":', 'ÿ'.repeat(1000)]) await js.publish(subject, junk);
      await js.publish(
        subject,
        StoredMessage.encode({ message: undefined, receivers: [], skippedCount: 0 }).finish(),
      );
    }
    await connection.close();
    await store.put(outgoing(messages[1]!));
    const inbox = await store.open(bob.id, 0);
    expect([(await inbox.next())!.message, (await inbox.next())!.message]).toEqual(messages);
    for (const peer of [alice.id, bob.id]) {
      const page = await store.history({ peer, matches: () => true, limit: 10 });
      expect(page.messages).toEqual(messages.toReversed());
    }
    await store.stop();
  });

  test('reads peers and rooms as an earlier version stored them', async () => {
    const store = await started();
    await store.contacts();
    const connection = await connectToNats(nats.url);
    const bucket = await connection.jetstream().views.kv(BUCKET);
    await bucket.put(`peer.${alice.id}`, JSON.stringify({ name: 'alice', seenAt: 7 }));
    await bucket.put(`room.${Buffer.from('ops').toString('base64url')}.${alice.id}`, '');
    await connection.close();
    const times = { seenAt: 7, knownSince: 7, namedAt: 7, presentMs: 0 };
    const { peers, memberships } = await store.contacts();
    expect(peers).toEqual([{ id: alice.id, name: 'alice', ...times, party: '', tookPart: true }]);
    const [membership] = memberships;
    expect(membership).toMatchObject({ room: 'ops', peer: alice.id });
    expect(Math.abs(membership!.joinedAt - Date.now())).toBeLessThan(60_000);
    await store.stop();
  });

  test('stores peers and names with the fields of the vocabulary, and for an earlier version', async () => {
    const store = await started();
    const times = { seenAt: 4000, knownSince: 2000, namedAt: 3000, presentMs: 1500 };
    const peer = { ...ALICE, ...times, party: '10.0.0.7', tookPart: true };
    const kept = { id: bob.id, name: 'bob', namedAt: 3000, party: '10.0.0.8', keptUntil: 9000 };
    await store.savePeer(peer);
    await store.saveName(kept);
    const connection = await connectToNats(nats.url);
    const bucket = await connection.jetstream().views.kv(BUCKET);
    const jsonOf = async (key: string): Promise<unknown> => (await bucket.get(key))?.json();
    const { id, ...older } = peer;
    expect(await jsonOf(`peer.${id}`)).toEqual({
      ...older,
      seen_at: '1970-01-01T00:00:04.000Z',
      known_at: '1970-01-01T00:00:02.000Z',
      named_at: '1970-01-01T00:00:03.000Z',
      present_seconds: 1.5,
      took_part: true,
    });
    expect(await jsonOf(`name.${bob.id}`)).toMatchObject({
      named_at: '1970-01-01T00:00:03.000Z',
      expires_at: '1970-01-01T00:00:09.000Z',
      keptUntil: 9000,
    });
    await connection.close();
    expect(await store.contacts()).toMatchObject({ peers: [peer], names: [kept] });
    await store.stop();
  });

  test('ignores malformed contacts', async () => {
    const store = await started();
    await store.savePeer({ ...ALICE, seenAt: 1 });
    const connection = await connectToNats(nats.url);
    const bucket = await connection.jetstream().views.kv(BUCKET);
    for (const key of [
      `peer.${bob.id}`,
      'peer.x',
      'room.x',
      'cursor.x',
      'name.x',
      `name.${bob.id}`,
      'other',
      `room.IA.${bob.id}`,
    ])
      await bucket.put(key, '{"name":7}');
    await connection.close();
    expect(await store.contacts()).toEqual({ peers: [{ ...ALICE, seenAt: 1 }], memberships: [], names: [] });
    await store.stop();
  });

  test('reports an unreachable NATS, and an open inbox resumes when it is back', async () => {
    const store = await started();
    const inbox = await store.open(bob.id, 0);
    const messages = [1, 2, 3].map(() => sampleMessage(alice, bob));
    await store.put(outgoing(messages[0]!));
    const first = await inbox.next();
    const next = inbox.next();
    await nats.kill();
    await waitFor(() => !store.available, { what: 'the loss to be noticed' });
    await expect(store.put(outgoing(messages[1]!))).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.open(carol.id, 0)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.history({ peer: bob.id, matches: () => true, limit: 1 })).rejects.toMatchObject({
      code: 'unavailable',
    });
    inbox.acknowledge(first!.id);
    await nats.restart();
    await waitFor(() => store.available, { what: 'NATS to be back' });
    for (const message of messages.slice(1)) await insist(() => store.put(outgoing(message)));
    expect((await next)!.message).toEqual(messages[1]);
    expect((await inbox.next())!.message).toEqual(messages[2]);
    await store.stop();
  });

  test('recovers when its consumer is deleted, and delivers nothing twice to the same inbox', async () => {
    const store = await started();
    const inbox = await store.open(bob.id, 0);
    const messages = [1, 2].map(() => sampleMessage(alice, bob));
    await store.put(outgoing(messages[0]!));
    expect((await inbox.next())!.message).toEqual(messages[0]);
    const connection = await connectToNats(nats.url);
    await (await connection.jetstreamManager()).consumers.delete(STREAM, bob.id);
    await connection.close();
    await store.put(outgoing(messages[1]!));
    expect((await inbox.next())!.message).toEqual(messages[1]);
    await store.stop();
  });

  test('recovers when stream and bucket are deleted, with higher delivery ids than before', async () => {
    const store = await started();
    const inbox = await store.open(bob.id, 0);
    for (let n = 0; n < 5; n++) await store.put(outgoing(sampleMessage(alice, bob)));
    let last = 0;
    for (let n = 0; n < 5; n++) inbox.acknowledge((last = (await inbox.next())!.id));
    await emptied(nats.url);
    const message = sampleMessage(alice, bob);
    await insist(() => store.put(outgoing(message)));
    const next = await inbox.next();
    expect(next!.message).toEqual(message);
    expect(next!.id).toBeGreaterThan(last);
    inbox.close();
    expect(await (await store.open(bob.id, last)).next()).toEqual(next);
    await store.stop();
  });

  test('searches a long history of many peers', async () => {
    const store = await started();
    const mine = [];
    for (let n = 0; n < 1500; n++) {
      const message = n % 50 === 0 ? sampleMessage(alice, bob) : sampleMessage(carol, carol);
      if (n % 50 === 0) mine.push(message);
      await store.put(outgoing(message));
    }
    const page = await store.history({ peer: bob.id, matches: () => true, limit: 10 });
    expect(page.messages).toEqual(mine.toReversed().slice(0, 10));
    const rest = await store.history({
      peer: bob.id,
      matches: () => true,
      limit: 1000,
      before: page.before!,
    });
    expect(rest.messages).toEqual(mine.toReversed().slice(10));
    await store.stop();
  });

  test('starts without NATS and is available when it is up', async () => {
    const late = await NatsServer.start();
    await late.kill();
    const store = open(late.url);
    await store.start();
    expect(store.available).toBe(false);
    await expect(store.contacts()).rejects.toMatchObject({ code: 'unavailable', reason: 'NATS_UNREACHABLE' });
    await late.restart();
    await waitFor(() => store.available, { what: 'NATS' });
    expect(await insist(() => store.contacts())).toEqual({ peers: [], memberships: [], names: [] });
    await store.stop();
    await late.stop();
  });

  test('a stream of an older version, which dropped the oldest message when it was full, drops none from now on', async () => {
    const connection = await connectToNats(nats.url);
    const { streams } = await connection.jetstreamManager();
    await streams.add({ name: STREAM, subjects: SUBJECTS, max_bytes: 300_000, discard: DiscardPolicy.Old });
    const store = open(nats.url, { ...USUAL, maxBytes: 300_000 });
    await store.start();
    await store.contacts();
    expect((await streams.info(STREAM)).config.discard).toBe('new');
    const messages = [...Array(5).keys()].map(() => sampleMessage(alice, bob, { text: 'x'.repeat(60_000) }));
    const results = [];
    for (const message of messages)
      results.push(await store.put(outgoing(message)).catch((error: unknown) => error));
    expect(results.at(-1)).toMatchObject({ reason: 'STORE_FULL' });
    expect((await (await store.open(bob.id, 0)).next())!.message.id).toBe(messages[0]!.id);
    await connection.close();
    await store.stop();
  });

  test('keeps ids no longer than messages; a changed limit is applied at the next start', async () => {
    const store = open(nats.url, { maxAgeMs: 60_000, maxBytes: 300_000, duplicateWindowMs: 600_000 });
    await store.start();
    await store.put(outgoing(sampleMessage(alice, bob)));
    await store.stop();
    const wider = await started();
    await wider.contacts();
    const connection = await connectToNats(nats.url);
    const { config } = await (await connection.jetstreamManager()).streams.info(STREAM);
    expect(config).toMatchObject({ max_bytes: 1 << 26, duplicate_window: 600_000 * 1e6, discard: 'new' });
    await connection.close();
    await wider.stop();
  });
});

/** NATS accepts connections a moment before JetStream answers. */
function insist<T>(work: () => Promise<T>): Promise<T> {
  return waitFor(work, { what: 'JetStream to answer', retryErrors: true });
}

/** A store with its own connection, started and stopped together. */
class ConnectedStore extends JetStreamStore {
  readonly #link: NatsLink;

  constructor(link: NatsLink, options: JetStreamOptions) {
    super({ log, link }, options);
    this.#link = link;
  }

  override async start(): Promise<void> {
    await this.#link.start();
    await super.start();
  }

  override async stop(): Promise<void> {
    await super.stop();
    await this.#link.stop();
  }
}

function open(url: string, options: JetStreamOptions = USUAL): JetStreamStore {
  return new ConnectedStore(new NatsLink({ log }, { url, name: 'test' }), options);
}

async function emptied(url: string): Promise<void> {
  const connection = await connectToNats(url);
  const { streams } = await connection.jetstreamManager();
  for (const name of [STREAM, `KV_${BUCKET}`]) await streams.delete(name).catch(() => undefined);
  await connection.close();
}
