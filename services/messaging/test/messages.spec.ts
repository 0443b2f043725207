import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { everyone, Harness, room, send } from './support/harness.js';
import { callUnary } from '@enjambre/rpc/client';
import type { TestPeer } from './support/test-peer.js';

const join = (peer: TestPeer, name: string) =>
  callUnary(peer.client.joinRoom.bind(peer.client), { room: name }, { metadata: peer.metadata });
const leave = (peer: TestPeer, name: string) =>
  callUnary(peer.client.leaveRoom.bind(peer.client), { room: name }, { metadata: peer.metadata });
const rooms = async (peer: TestPeer) =>
  (
    await callUnary(
      peer.client.listRooms.bind(peer.client),
      { pageSize: 0, pageToken: '' },
      { metadata: peer.metadata },
    )
  ).rooms;

describe('a message', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(() => harness.stop());

  test('reaches a peer by id, with its sender and time', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    const { sentAt, duplicate, receiverCount: receivers } = await send(alice, bob, 'good morning', 'first');
    expect({ duplicate, receivers }).toEqual({ duplicate: false, receivers: 1 });
    const [delivery] = await bob.received(1);
    expect(delivery!.message).toEqual({
      id: 'first',
      senderId: alice.peerId,
      senderName: 'alice',
      target: { target: { $case: 'peer', value: bob.peerId } },
      targetName: 'bob',
      text: 'good morning',
      sentAt,
    });
    expect(alice.deliveries).toEqual([]);
  });

  test('reaches a peer by a unique name, and by its id in capitals', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    await send(alice, 'bob', '1');
    await send(alice, bob.peerId.toUpperCase(), '2');
    await bob.received(2);
    expect(bob.texts).toEqual(['1', '2']);
  });

  test('of a second peer of a name shows it with digits; the name alone means the first', async () => {
    const carol = await harness.peer('carol');
    const first = await harness.peer('bob');
    const second = await harness.peer('b\u200bob');
    const shown = `bob (${second.peerId.slice(0, 8)})`;
    await send(carol, 'bob', 'to the first');
    await send(carol, shown, 'to the second');
    await send(second, carol, 'from the second');
    await send(first, carol, 'from the first');
    await Promise.all([first.received(1), second.received(1), carol.received(2)]);
    expect([first.texts, second.texts]).toEqual([['to the first'], ['to the second']]);
    expect(second.deliveries[0]!.message!.targetName).toBe(shown);
    const senders = carol.deliveries.map(({ message }) => message!.senderName);
    expect(senders).toEqual([shown, 'bob']);
    await join(first, 'ops');
    expect((await join(second, 'ops')).room?.memberNames).toEqual(['bob', shown]);
  });

  test('to an unknown peer is refused with the next step', async () => {
    const alice = await harness.peer('alice');
    await expect(send(alice, 'bob', 'x')).rejects.toMatchObject({
      code: 'not-found',
      reason: 'UNKNOWN_PEER',
    });
    await expect(send(alice, room('none'), 'x')).rejects.toMatchObject({
      code: 'not-found',
      reason: 'UNKNOWN_ROOM',
    });
    await expect(send(alice, everyone, 'x')).rejects.toMatchObject({ reason: 'NO_RECEIVERS' });
  });

  test('to a room reaches its other members, and no other peer', async () => {
    const [alice, bob, carol] = [
      await harness.peer('alice'),
      await harness.peer('bob'),
      await harness.peer('carol'),
    ];
    await join(alice, 'ops');
    expect(await join(bob, 'ops')).toEqual({
      room: {
        name: 'ops',
        memberNames: ['alice', 'bob'],
        members: [
          { id: alice.peerId, name: 'alice' },
          { id: bob.peerId, name: 'bob' },
        ],
      },
    });
    await expect(send(carol, room('ops'), 'x')).rejects.toMatchObject({ reason: 'NOT_A_MEMBER' });
    expect(await send(alice, room('ops'), 'to the room')).toMatchObject({ receiverCount: 1 });
    await send(alice, carol, 'to carol');
    await Promise.all([bob.received(1), carol.received(1)]);
    expect([alice.texts, bob.texts, carol.texts]).toEqual([[], ['to the room'], ['to carol']]);
    await leave(bob, 'ops');
    await expect(leave(bob, 'ops')).rejects.toMatchObject({ code: 'not-found', reason: 'NOT_A_MEMBER' });
    expect((await rooms(alice)).map(({ memberNames }) => memberNames)).toEqual([['alice']]);
    await expect(leave(bob, 'none')).rejects.toMatchObject({ code: 'not-found', reason: 'NOT_A_MEMBER' });
    await expect(send(alice, room('ops'), 'x')).rejects.toMatchObject({ reason: 'NO_RECEIVERS' });
  });

  test('to everyone reaches all but its sender, and absent peers when they return', async () => {
    const [alice, bob, carol] = [
      await harness.peer('alice'),
      await harness.peer('bob'),
      await harness.peer('carol'),
    ];
    carol.call.end();
    await carol.end();
    expect(await send(alice, everyone, 'hello all')).toMatchObject({ receiverCount: 2 });
    const again = await harness.peer('carol', { identity: carol.identity });
    await Promise.all([bob.received(1), again.received(1)]);
    expect([alice.texts, bob.texts, again.texts]).toEqual([[], ['hello all'], ['hello all']]);
  });

  test('that is sent again is answered as a duplicate and delivered once', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    const first = await send(alice, bob, 'once', 'same');
    expect(await send(alice, bob, 'once', 'same')).toEqual({ ...first, duplicate: true });
    await send(alice, bob, 'then');
    await bob.received(2);
    expect(bob.texts).toEqual(['once', 'then']);
  });

  test('with an id of another text or receiver is refused', async () => {
    const [alice, bob, carol] = [
      await harness.peer('alice'),
      await harness.peer('bob'),
      await harness.peer('carol'),
    ];
    await send(alice, bob, 'one', 'same');
    await expect(send(alice, bob, 'two', 'same')).rejects.toMatchObject({
      code: 'already-exists',
      reason: 'ID_REUSED',
    });
    await expect(send(alice, carol, 'one', 'same')).rejects.toMatchObject({ reason: 'ID_REUSED' });
    await send(carol, bob, 'an id is unique for its sender only', 'same');
    await bob.received(2);
    expect(bob.texts).toEqual(['one', 'an id is unique for its sender only']);
  });

  test.each([
    ['BAD_MESSAGE_ID', '', 'x'],
    ['BAD_MESSAGE_ID', 'a\nb', 'x'],
    ['BAD_MESSAGE_ID', 'a'.repeat(65), 'x'],
    ['BAD_TEXT', 'a', ''],
    ['TOO_LARGE', 'a', 'x'.repeat(65_537)],
    ['TOO_LARGE', 'a', 'ñ'.repeat(32_769)],
  ])('is refused as %s (%p)', async (reason, id, text) => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    await expect(send(alice, bob, text, id)).rejects.toMatchObject({ code: 'invalid', reason });
  });

  test.each([
    ['BAD_TARGET', undefined],
    ['BAD_TARGET', { target: undefined }],
    ['BAD_TARGET', { target: { $case: 'everyone', value: false } }],
    ['BAD_TARGET', { target: { $case: 'peer', value: '' } }],
    ['BAD_ROOM', { target: { $case: 'room', value: 'a\u0007' } }],
    ['BAD_ROOM', { target: { $case: 'room', value: ' ' } }],
  ] as const)('is refused as %s (%j)', async (reason, target) => {
    const alice = await harness.peer('alice');
    await expect(send(alice, target, 'x')).rejects.toMatchObject({ code: 'invalid', reason });
  });

  test('of 64 KiB is accepted', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    await send(alice, bob, '\u0001'.repeat(65_536), '🐝'.repeat(64));
    expect((await bob.received(1))[0]!.message!.text).toHaveLength(65_536);
  });

  test('keeps its place among those of its sender, even if they are sent concurrently', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    const texts = [...Array(100).keys()].map(String);
    await Promise.all(texts.map((text) => send(alice, bob, text)));
    await bob.received(100);
    expect(bob.texts).toEqual(texts);
  });
});
