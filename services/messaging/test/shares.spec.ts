import { afterEach, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type { WatchEventsResponse } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { everyone, Harness, reasonOf, room, send } from './support/harness.js';
import { TestPeer, type PeerOptions } from './support/test-peer.js';

const FIVE = { addressBudget: '5' };
/** For tests that ask again and again, on a clock that stands still. */
const OFTEN = { messageBurst: 1e6, callsPerSecond: 1e6 };
const join = ({ client, metadata }: TestPeer, name: string) =>
  callUnary(client.joinRoom.bind(client), { room: name }, { metadata });

describe('the peers of one address', () => {
  let harness: Harness;

  afterEach(() => harness.stop());

  /** Makes peers of a stranger at 127.0.0.66, over one connection. */
  const stranger = async (): Promise<(options?: PeerOptions) => TestPeer> => {
    const client = harness.client(await harness.from('127.0.0.66'));
    return (options) => new TestPeer(client, options);
  };

  /** Waits until the service does not know the name. */
  const forgotten = async ({ client, metadata }: TestPeer, name: string): Promise<void> => {
    const target = { target: { $case: 'peer', value: name } } as const;
    const request = { target, pageSize: 0, pageToken: '' };
    const asks = () => callUnary(client.listMessages.bind(client), request, { metadata });
    await waitFor(async () => (await reasonOf(asks())) === 'UNKNOWN_PEER', {
      what: `${name} to be forgotten`,
    });
  };

  test('fill at most their part of a mailbox; messages of others still fit', async () => {
    harness = await Harness.start({ capacity: { messageBurst: 5000 } }, { ...FIVE, maxPending: '4000' });
    const bob = await harness.peer('bob', { acknowledges: false });
    const alice = await harness.peer('alice');
    const peer = await stranger();
    const [one, other] = [peer(), peer()];
    await Promise.all([one.greet({ name: 'one' }), other.greet({ name: 'other' })]);
    for (let n = 0; n < 150; n++) await send(one, bob, 'x');
    for (let n = 0; n < 50; n++) await send(other, bob, 'x');
    for (const its of [one, other]) {
      const refused = { code: 'exhausted', reason: 'RECEIVER_FULL', retryAfterMs: 5000 };
      await expect(send(its, bob, 'one too many')).rejects.toMatchObject(refused);
    }
    await send(alice, bob, 'still fits');
    expect(await send(other, alice, 'to another')).toMatchObject({ receiverCount: 1 });
  });

  test('take at most their part of the store; those of others still fit', async () => {
    harness = await Harness.start({ capacity: { storeBytes: 4 << 20 } }, FIVE);
    const receivers = await Promise.all(
      [...Array(10).keys()].map((n) => harness.peer(`${n}`, { acknowledges: false })),
    );
    const one = (await stranger())();
    await one.greet({ name: 'one' });
    const flood = async (): Promise<unknown> => {
      for (const bob of receivers) for (let n = 0; n < 15; n++) await send(one, bob, 'x'.repeat(60_000));
      return undefined;
    };
    await expect(flood()).rejects.toMatchObject({ reason: 'STORE_FULL', retryAfterMs: 10_000 });
    await send(receivers[0]!, receivers[1], 'y'.repeat(60_000));
  });

  test('become known up to their part, and are forgotten soon if they never took part', async () => {
    let now = 1_800_000_000_000;
    const capacity = { knownPeers: 100, newPeersPerMinute: 20_000, ...OFTEN };
    harness = await Harness.start({ clock: () => now, capacity, upkeepMs: 20 }, FIVE);
    const alice = await harness.peer('alice');
    const peer = await stranger();
    const reasons = await Promise.all(
      [...Array(70).keys()].map(async (n) => {
        const its = peer();
        const reason = await reasonOf(its.greet({ name: `fresh ${n}` }));
        its.call.end();
        // Its session has ended then.
        await its.end();
        return reason;
      }),
    );
    expect(reasons.filter((reason) => reason === undefined)).toHaveLength(64);
    expect(reasons.filter((reason) => reason === 'TOO_MANY_PEERS')).toHaveLength(6);
    const bob = await harness.peer('bob');
    await send(alice, bob, 'x');
    bob.call.end();
    await bob.end();
    now += 10 * 60_000 + 1;
    await forgotten(alice, 'fresh 1');
    await send(alice, 'bob', 'for a peer that took part');
    await peer().greet({ name: 'one more' });
  });

  test('a newcomer with a waiting message is not forgotten', async () => {
    let now = 1_800_000_000_000;
    harness = await Harness.start({ clock: () => now, upkeepMs: 20, capacity: OFTEN }, FIVE);
    const [alice, bob, carol] = [
      await harness.peer('alice'),
      await harness.peer('bob', { acknowledges: false }),
      await harness.peer('carol'),
    ];
    await send(alice, bob, 'x');
    for (const peer of [bob, carol]) {
      peer.call.end();
      await peer.end();
    }
    now += 10 * 60_000 + 1;
    await forgotten(alice, 'carol');
    await (await harness.peer('bob', { identity: bob.identity })).received(1);
  });

  test('one that was connected for ten minutes is known for longer, and a name stays with a forgotten peer', async () => {
    let now = 1_800_000_000_000;
    harness = await Harness.start({ clock: () => now, upkeepMs: 20, capacity: OFTEN }, FIVE);
    const [alice, bob, carol] = [
      await harness.peer('alice'),
      await harness.peer('bob'),
      await harness.peer('carol'),
    ];
    carol.call.end();
    await carol.end();
    now += 10 * 60_000 + 1;
    await forgotten(alice, 'carol');
    bob.call.end();
    await bob.end();
    now += 11 * 60_000;
    await send(alice, 'bob', 'for one that is away');
    const thief = await harness.peer('Carol');
    await expect(send(alice, 'carol', 'for the first')).rejects.toMatchObject({ reason: 'UNKNOWN_PEER' });
    expect(await send(alice, thief, 'to it')).toMatchObject({
      receiverName: `Carol (${thief.peerId.slice(0, 8)})`,
    });
    await harness.peer('carol', { identity: carol.identity });
    expect(await send(alice, 'carol', 'for the first')).toMatchObject({ receiverId: carol.peerId });
  });

  test('become known at a bounded rate', async () => {
    harness = await Harness.start(
      { capacity: { newPeersPerMinute: 1 }, clock: () => 1_800_000_000_000 },
      FIVE,
    );
    const peer = await stranger();
    await peer().greet({ name: 'first' });
    const second = peer();
    await second.hello({ name: 'second' });
    expect(await second.end()).toMatchObject({ reason: 'TOO_MANY_PEERS', retryAfterMs: 60_000 });
    await harness.peer('alice');
  });

  test('have at most their part of the sessions', async () => {
    harness = await Harness.start({ capacity: { sessions: 640 } }, FIVE);
    const peer = await stranger();
    for (let n = 0; n < 32; n++) await peer().greet({ name: `${n}` });
    const more = peer();
    await more.hello({ name: 'more' });
    expect(await more.end()).toMatchObject({ code: 'exhausted', reason: 'TOO_MANY_PEERS' });
    await harness.peer('alice');
  });

  test('share a rate of calls', async () => {
    const now = 1_800_000_000_000;
    harness = await Harness.start({ clock: () => now }, { ...FIVE, messageRate: '10' });
    const alice = await harness.peer('alice');
    const peer = await stranger();
    const reasons = new Set<string | undefined>();
    const all = [...Array(5).keys()].map(() => peer());
    for (const [n, its] of all.entries()) await its.greet({ name: `${n}` });
    // Of the burst of 100 calls, 50 are for hellos.
    for (const its of all) for (let n = 0; n < 15; n++) reasons.add(await reasonOf(send(its, alice, 'x')));
    expect(reasons).toEqual(new Set([undefined, 'TOO_FAST']));
    const bob = await harness.peer('bob');
    await send(bob, alice, 'others are not slowed');
  });

  test('send to everyone and to rooms at a rate that counts receivers', async () => {
    const now = 1_800_000_000_000;
    const capacity = { knownPeers: 10, copiesPerSecond: 20 };
    harness = await Harness.start({ clock: () => now, capacity }, FIVE);
    const alice = await harness.peer('alice');
    const others = await Promise.all(['b', 'c', 'd'].map((name) => harness.peer(name)));
    const one = (await stranger())();
    await one.greet({ name: 'one' });
    await send(one, everyone, 'first');
    await send(one, everyone, 'second');
    const failure = await send(one, everyone, 'third').catch((error: unknown) => error);
    expect(failure).toMatchObject({ reason: 'TOO_FAST', retryAfterMs: 250 });
    await send(one, alice, 'a single one');
    await send(alice, everyone, 'others may');
    await Promise.all(others.map((other) => other.received(3)));
  });

  test('make rooms, and join them, up to their part', async () => {
    const capacity = { rooms: 100, membersPerRoom: 100, memberships: 400, roomsPerPeer: 300 };
    harness = await Harness.start({ capacity }, FIVE);
    const alice = await harness.peer('alice');
    const peer = await stranger();
    const one = peer();
    await one.greet({ name: 'one' });
    for (let n = 0; n < 16; n++) await join(one, `room ${n}`);
    await expect(join(one, 'more')).rejects.toMatchObject({ reason: 'TOO_MANY_ROOMS' });
    await join(alice, 'ops');
    await join(one, 'ops');
    for (let n = 1; n < 16; n++) {
      const its = peer();
      await its.greet({ name: `${n}` });
      await join(its, 'ops');
    }
    const last = peer();
    await last.greet({ name: 'last' });
    await expect(join(last, 'ops')).rejects.toMatchObject({ reason: 'TOO_MANY_MEMBERS' });
    await join(await harness.peer('bob'), 'ops');
    await join(alice, 'more');
  });

  test('a message to many is one event', async () => {
    harness = await Harness.start({}, FIVE);
    const events: Event[] = [];
    const call = harness.client().watchEvents({ types: ['message.*'], since: undefined, replayOnly: false });
    call.on('data', ({ event }: WatchEventsResponse) => events.push(event!));
    call.on('error', () => undefined);
    await new Promise((resolve) => call.on('metadata', resolve));
    const peers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => harness.peer(name)));
    for (const peer of peers) await join(peer, 'ops');
    const [alice, bob] = peers as [TestPeer, TestPeer];
    await send(alice, everyone, 'to all');
    await send(alice, room('ops'), 'to the room');
    await Promise.all(peers.slice(1).map((peer) => peer.received(2)));
    await send(alice, bob, 'to one');
    const isDelivered = ({ event }: Event): boolean => event?.$case === 'messageDelivered';
    await waitFor(() => events.some(isDelivered), { what: 'the delivery to one' });
    expect(events.map(({ event }) => event?.$case)).toEqual([
      'messageSent',
      'messageSent',
      'messageSent',
      'messageDelivered',
    ]);
  });
});
