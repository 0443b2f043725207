import { formatDuration } from '@enjambre/core/format-duration';
import { describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { waitFor } from '@enjambre/harness/wait-for';
import { everyone, Harness, reasonOf, send } from './support/harness.js';

describe('capacity', () => {
  test('a sender that is too fast receives a retry delay, and others are not slowed', async () => {
    const harness = await Harness.start({ capacity: { messageBurst: 3, messagesPerSecond: 2 } });
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    for (let n = 0; n < 3; n++) await send(alice, bob, 'x');
    const failure = await send(alice, bob, 'x', 'late').catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'exhausted', reason: 'TOO_FAST' });
    const { retryAfterMs, message } = failure as { retryAfterMs: number; message: string };
    expect(retryAfterMs).toBeGreaterThan(0);
    expect(retryAfterMs).toBeLessThanOrEqual(500);
    expect(message).toContain(`after ${formatDuration(retryAfterMs)}`);
    await send(bob, alice, 'y');
    await harness.stop();
  });

  test('the messages waiting for one receiver are bounded, and others receive theirs', async () => {
    const harness = await Harness.start({ capacity: { pendingMessages: 3 } });
    const [alice, bob, carol] = [
      await harness.peer('alice'),
      await harness.peer('bob', { acknowledges: false }),
      await harness.peer('carol'),
    ];
    for (let n = 0; n < 3; n++) await send(alice, bob, 'x');
    const full = { code: 'exhausted', reason: 'RECEIVER_FULL', retryAfterMs: 5000 };
    await expect(send(alice, bob, 'x')).rejects.toMatchObject(full);
    expect(await send(alice, everyone, 'y')).toMatchObject({ receiverCount: 1, skippedCount: 1 });
    await carol.received(1);
    bob.acknowledge(...bob.deliveries.map(({ deliveryId }) => deliveryId));
    await waitFor(() => send(alice, bob, 'z', 'again'), { what: 'room again', retryErrors: true });
    await bob.received(4);
    await harness.stop();
  });

  test('so are its bytes', async () => {
    const harness = await Harness.start({ capacity: { pendingBytes: 100_000 } });
    const alice = await harness.peer('alice');
    const bob = await harness.peer('bob', { acknowledges: false });
    for (let n = 0; n < 2; n++) await send(alice, bob, 'x'.repeat(65_536));
    await expect(send(alice, bob, 'x')).rejects.toMatchObject({ reason: 'RECEIVER_FULL' });
    await harness.stop();
  });

  test('no more than the window is in flight to a receiver that does not acknowledge', async () => {
    const harness = await Harness.start({ capacity: { windowMessages: 4 } });
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob', { acknowledges: false })];
    for (let n = 0; n < 10; n++) await send(alice, bob, String(n));
    await bob.received(4);
    bob.acknowledge(bob.deliveries[2]!.deliveryId);
    await bob.received(5);
    expect(bob.texts).toEqual(['0', '1', '2', '3', '4']);
    await harness.stop();
  });

  test.each([
    ['does not acknowledge', 'x', false],
    ['does not read', 'x'.repeat(60_000), true],
  ])('a receiver that %s is disconnected, and does not slow others', async (_, text, stopsReading) => {
    const harness = await Harness.start({
      capacity: { windowMessages: 50, windowBytes: 16 << 20 },
      timeouts: { slowReaderMs: 300 },
    });
    const [alice, slow, quick] = [
      await harness.peer('alice'),
      await harness.peer('slow', { acknowledges: false }),
      await harness.peer('quick'),
    ];
    if (stopsReading) slow.call.pause();
    for (let n = 0; n < 60; n++) {
      await send(alice, slow, text);
      await send(alice, quick, 'quick');
    }
    await quick.received(60);
    // Its token is invalid as soon as its stream is ended, even before it reads that.
    await waitFor(async () => (await reasonOf(send(slow, alice, 'x'))) === 'BAD_TOKEN', {
      what: 'the slow one to be sent away',
    });
    slow.call.resume();
    expect(await slow.end()).toMatchObject({ code: 'exhausted', reason: 'SLOW_READER' });
    const again = await harness.peer('slow', { identity: slow.identity });
    await again.received(60);
    await harness.stop();
  });

  test.each([
    ['TOO_MANY_ROOMS', { rooms: 1 }, 'other'],
    ['TOO_MANY_MEMBERS', { membersPerRoom: 1 }, 'one'],
    ['TOO_MANY_MEMBERSHIPS', { roomsPerPeer: 0 }, 'one'],
  ])('rooms: %s', async (reason, capacity, wanted) => {
    const harness = await Harness.start({ capacity });
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    const join = ({ client, metadata }: typeof alice, room: string) =>
      callUnary(client.joinRoom.bind(client), { room }, { metadata });
    await join(alice, 'one').catch(() => undefined);
    await expect(join(bob, wanted)).rejects.toMatchObject({ code: 'exhausted', reason });
    await harness.stop();
  });

  test('the number of known peers is bounded, and absent ones are removed', async () => {
    let now = 1_800_000_000_000;
    const harness = await Harness.start({
      clock: () => now,
      capacity: { knownPeers: 2, peerRetentionMs: 1000, newcomerRetentionMs: 1000 },
      upkeepMs: 20,
    });
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    const carol = harness.stranger();
    await carol.hello();
    expect(await carol.end()).toMatchObject({ code: 'exhausted', reason: 'TOO_MANY_PEERS' });
    bob.call.end();
    await bob.end();
    now += 1001;
    await waitFor(async () => (await reasonOf(send(alice, bob, 'x'))) === 'UNKNOWN_PEER', {
      what: 'bob to be forgotten',
    });
    await harness.peer('carol');
    await send(alice, 'carol', 'x');
    await harness.stop();
  });
});
