import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { waitFor } from '@enjambre/harness/wait-for';
import { Metadata } from '@grpc/grpc-js';
import { Harness, reasonOf, send } from './support/harness.js';

describe('Receive', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start({ timeouts: { helloMs: 500 } });
  });

  afterEach(() => harness.stop());

  test('begins with 32 random bytes and answers the hello with a token', async () => {
    const [one, other] = [await harness.peer('alice'), await harness.peer('bob')];
    expect(one.challenge).toHaveLength(32);
    expect(one.challenge).not.toEqual(other.challenge);
    expect(one.token).toMatch(/^[\w-]{43}$/);
    expect(one.token).not.toBe(other.token);
  });

  test('ends with UNAUTHENTICATED if the signature is for another challenge, service or key', async () => {
    const [late, tracker, stranger] = [harness.stranger(), harness.stranger(), harness.stranger()];
    await late.hello({ signature: late.identity.signHello('messaging', Buffer.alloc(32)) });
    const nonce = await tracker.when(() => tracker.challenge);
    await tracker.hello({ signature: tracker.identity.signHello('tracker', nonce) });
    await stranger.hello({ publicKey: PeerIdentity.generate().publicKey });
    for (const peer of [late, tracker, stranger]) {
      expect(await peer.end()).toMatchObject({ code: 'unauthenticated', reason: 'BAD_SIGNATURE' });
    }
  });

  test.each([
    ['an empty name', { name: '' }],
    ['a long name', { name: 'a'.repeat(65) }],
    ['a name with a control character', { name: 'a\u001b[2J' }],
    ['a short key', { publicKey: Buffer.alloc(31) }],
    ['a long version', { version: 'v'.repeat(65) }],
  ])('ends with INVALID_ARGUMENT for %s', async (_, hello) => {
    const peer = harness.stranger();
    await peer.hello(hello);
    expect(await peer.end()).toMatchObject({ code: 'invalid', reason: 'BAD_HELLO' });
  });

  test('ends with INVALID_ARGUMENT for anything else before the hello, including malformed bytes', async () => {
    const [one, other] = [harness.stranger(), harness.stranger()];
    one.acknowledge(1n);
    other.sayBytes(Buffer.from('ffffffffffffff', 'hex'));
    for (const peer of [one, other])
      expect(await peer.end()).toMatchObject({ code: 'invalid', reason: 'BAD_HELLO' });
  });

  test('ends with INVALID_ARGUMENT for a second hello, and for malformed bytes', async () => {
    const [one, other] = [await harness.peer('alice'), await harness.peer('bob')];
    await one.hello();
    other.sayBytes(Buffer.from('ffffffffffffff', 'hex'));
    for (const peer of [one, other])
      expect(await peer.end()).toMatchObject({ code: 'invalid', reason: 'BAD_MESSAGE' });
  });

  test('ends with DEADLINE_EXCEEDED without a hello, and stays open with one', async () => {
    const peer = await harness.peer('alice');
    expect(await harness.stranger().end()).toMatchObject({ code: 'timeout', reason: 'NO_HELLO' });
    expect(peer.ended).toBeUndefined();
  });

  test('ends with ABORTED when the same peer calls again; its token is invalid, and the new one receives', async () => {
    const [alice, first] = [await harness.peer('alice'), await harness.peer('bob')];
    const second = await harness.peer('bob', { identity: first.identity });
    expect(await first.end()).toMatchObject({ code: 'aborted', reason: 'REPLACED' });
    await expect(send(first, alice, 'x')).rejects.toMatchObject({
      code: 'unauthenticated',
      reason: 'BAD_TOKEN',
    });
    await send(alice, second, 'to the new one');
    await second.received(1);
    expect(first.deliveries).toEqual([]);
  });

  test('many concurrent calls of the same peer leave one that receives', async () => {
    const alice = await harness.peer('alice');
    const identity = PeerIdentity.generate();
    const streams = [...Array(8).keys()].map(() => harness.stranger({ identity }));
    await Promise.all(streams.map((stream) => stream.hello({ name: 'bob' })));
    const left = await waitFor(
      () => {
        const open = streams.filter(({ ended }) => !ended);
        return open.length === 1 && open[0]!.token !== '' ? open[0] : undefined;
      },
      { what: 'one stream to be left' },
    );
    await send(alice, left, 'hello');
    await left.received(1);
  });

  test('redelivers unacknowledged messages, and none up to the cursor', async () => {
    const alice = await harness.peer('alice');
    const bob = await harness.peer('bob', { acknowledges: false });
    for (const text of ['1', '2', '3', '4']) await send(alice, bob, text);
    const got = [...(await bob.received(4))];
    bob.acknowledge(got[0]!.deliveryId);
    bob.call.end();
    expect(await bob.end()).toBeUndefined();
    const again = harness.stranger({ identity: bob.identity });
    await again.greet({ name: 'bob', afterDeliveryId: got[1]!.deliveryId });
    expect(await again.received(2)).toEqual(got.slice(2));
  });

  test('ignores acknowledgements of deliveries that are not in flight', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob', { acknowledges: false })];
    bob.acknowledge(0n, 1n, 2n ** 64n - 1n);
    await send(alice, bob, 'x');
    const [delivery] = await bob.received(1);
    bob.acknowledge(delivery!.deliveryId, delivery!.deliveryId);
    await send(alice, bob, 'y');
    await bob.received(2);
  });

  test('ends for many messages before the hello, also of a later version', async () => {
    const peer = harness.stranger();
    for (let n = 0; n < 8; n++) peer.sayBytes(Buffer.alloc(0));
    await peer.greet();
    const flooder = harness.stranger();
    for (let n = 0; n < 9; n++) flooder.sayBytes(Buffer.alloc(0));
    expect(await flooder.end()).toMatchObject({ code: 'invalid', reason: 'BAD_HELLO' });
  });

  test('ends for a huge message, for many ids in one, and for many that are not in flight', async () => {
    const ids = (count: number): bigint[] => Array<bigint>(count).fill(7n);
    const [huge, long, busy, honest] = [
      await harness.peer('huge'),
      await harness.peer('long'),
      await harness.peer('busy'),
      await harness.peer('honest'),
    ];
    huge.acknowledge(...ids(20_000));
    long.acknowledge(...ids(1025));
    for (let n = 0; n < 3; n++) busy.acknowledge(...ids(1000));
    honest.acknowledge(...ids(1000));
    for (const peer of [huge, long])
      expect(await peer.end()).toMatchObject({ code: 'invalid', reason: 'BAD_MESSAGE' });
    expect(await busy.end()).toMatchObject({ code: 'exhausted', reason: 'TOO_FAST' });
    await send(honest, honest, 'still there');
    await honest.received(1);
  });

  test('ends with UNAVAILABLE when the service stops, also before the hello', async () => {
    const [peer, stranger] = [await harness.peer('alice'), harness.stranger()];
    await stranger.when(() => stranger.challenge);
    await harness.messaging.stop();
    for (const each of [peer, stranger])
      expect(await each.end()).toMatchObject({ code: 'unavailable', reason: 'STOPPING' });
  });

  test('ends with RESOURCE_EXHAUSTED if too many peers are connected, except for one that replaces itself', async () => {
    const small = await Harness.start({ capacity: { sessions: 1 } });
    const first = await small.peer('alice');
    const second = small.stranger();
    await second.hello();
    expect(await second.end()).toMatchObject({ code: 'exhausted', reason: 'TOO_MANY_PEERS' });
    await small.peer('alice', { identity: first.identity });
    await small.stop();
  });
});

describe('a call without a token of an open stream', () => {
  test.each([
    ['none', undefined],
    ['no bearer', 'Basic abc'],
    ['a forged one', `Bearer ${'a'.repeat(43)}`],
    ['a huge one', `Bearer ${'a'.repeat(7000)}`],
  ])('is refused as UNAUTHENTICATED: %s', async (_, authorization) => {
    const harness = await Harness.start();
    const { client } = await harness.peer('alice');
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set('authorization', authorization);
    const target = { target: { $case: 'everyone', value: true } } as const;
    const calls = [
      callUnary(client.send.bind(client), { id: 'a', target, text: 'x' }, { metadata }),
      callUnary(client.joinRoom.bind(client), { room: 'r' }, { metadata }),
      callUnary(client.leaveRoom.bind(client), { room: 'r' }, { metadata }),
      callUnary(client.listRooms.bind(client), { pageSize: 0, pageToken: '' }, { metadata }),
      callUnary(client.listMessages.bind(client), { target, pageSize: 0, pageToken: '' }, { metadata }),
    ];
    expect(await Promise.all(calls.map(reasonOf))).toEqual(calls.map(() => 'BAD_TOKEN'));
    await harness.stop();
  });

  test('costs its address more than others, so that guesses are slow', async () => {
    const harness = await Harness.start(
      { clock: () => 1_800_000_000_000 },
      { messageRate: '1', addressBudget: '5' },
    );
    const port = await harness.from('127.0.0.66');
    const client = harness.client(port);
    const guess = (): Promise<string | undefined> => {
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${'a'.repeat(43)}`);
      return reasonOf(callUnary(client.joinRoom.bind(client), { room: 'r' }, { metadata }));
    };
    const reasons: (string | undefined)[] = [];
    for (let n = 0; n < 12; n++) reasons.push(await guess());
    // The burst is 100 calls.
    expect(reasons).toEqual([...Array<string>(10).fill('BAD_TOKEN'), 'TOO_FAST', 'TOO_FAST']);
    await harness.peer('alice');
    await harness.stop();
  });

  test('is refused when the stream has ended', async () => {
    const harness = await Harness.start();
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    alice.call.end();
    await alice.end();
    await expect(send(alice, bob, 'x')).rejects.toMatchObject({ reason: 'BAD_TOKEN' });
    await harness.stop();
  });
});
