import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { connectToNats } from '@enjambre/harness/nats-client';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import { BUCKET } from '../src/adapters/jetstream/names.js';
import { Harness, reasonOf, room, send } from './support/harness.js';

const START = 1_800_000_000_000;
const MINUTE = 60_000;

describe('a messaging service that starts', () => {
  let nats: NatsServer;
  let harness: Harness;
  let now: number;

  beforeEach(async () => {
    nats = await NatsServer.start();
    now = START;
  });

  afterEach(async () => {
    await harness.stop();
    await nats.stop();
  });

  const start = async (): Promise<void> => {
    harness = await Harness.start({ clock: () => now, upkeepMs: 20 }, { nats: nats.url });
  };

  test('knows the peers, names and rooms that an earlier version stored', async () => {
    await start();
    await harness.peer('other');
    await harness.stop();
    const identity = PeerIdentity.generate();
    const connection = await connectToNats(nats.url);
    const bucket = await connection.jetstream().views.kv(BUCKET);
    await bucket.put(`peer.${identity.peerId}`, JSON.stringify({ name: 'alice', seenAt: START - MINUTE }));
    await bucket.put(`room.${Buffer.from('ops').toString('base64url')}.${identity.peerId}`, '');
    await connection.close();
    now += 60 * MINUTE;
    await start();
    const thief = await harness.peer('Alice');
    expect(await send(thief, 'alice', 'while it is away')).toMatchObject({ receiverId: identity.peerId });
    const alice = await harness.peer('alice', { identity });
    await alice.received(1);
    const target = `Alice (${thief.peerId.slice(0, 8)})`;
    expect(await send(alice, thief, 'x')).toMatchObject({ receiverName: target });
    expect(await reasonOf(send(alice, room('ops'), 'alone'))).toBe('NO_RECEIVERS');
  });

  test('remembers the names of peers that it forgot, until they are free', async () => {
    await start();
    const alice = await harness.peer('alice');
    alice.call.end();
    await alice.end();
    const bob = await harness.peer('bob');
    now += 10 * MINUTE + 1;
    // Asks for messages: one that is sent would keep it known.
    const { client, metadata } = bob;
    const target = { target: { $case: 'peer', value: 'alice' } } as const;
    const asks = () =>
      callUnary(client.listMessages.bind(client), { target, pageSize: 0, pageToken: '' }, { metadata });
    await waitFor(async () => (await reasonOf(asks())) === 'UNKNOWN_PEER', { what: 'alice to be forgotten' });
    await harness.stop();
    await start();
    const thief = await harness.peer('alice');
    const other = await harness.peer('other');
    expect(await reasonOf(send(other, 'alice', 'for the first'))).toBe('UNKNOWN_PEER');
    expect(await send(other, thief, 'x')).toMatchObject({
      receiverName: `alice (${thief.peerId.slice(0, 8)})`,
    });
    now += 8 * 24 * 60 * MINUTE;
    await waitFor(async () => (await send(other, thief, 'x')).receiverName === 'alice', {
      what: 'the name to be free',
    });
  });
});
