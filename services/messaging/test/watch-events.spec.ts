import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callUnary } from '@enjambre/rpc/client';
import { fromServiceError } from '@enjambre/rpc/status';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Event } from '@enjambre/proto/gen/enjambre/events/v1/events';
import type {
  MessagingServiceClient,
  WatchEventsResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { Metadata } from '@grpc/grpc-js';
import { everyone, Harness, room, send } from './support/harness.js';
import type { TestPeer } from './support/test-peer.js';

/** A caller of WatchEvents that keeps the events. */
class Watcher {
  readonly events: Event[] = [];
  ended: unknown;

  static async start(
    client: MessagingServiceClient,
    metadata = new Metadata(),
    since?: Date,
  ): Promise<Watcher> {
    const watcher = new Watcher();
    const request = { types: ['message.*'], since, replayOnly: false };
    const call = client.watchEvents(request, metadata);
    call.on('data', ({ event }: WatchEventsResponse) => watcher.events.push(event!));
    call.on('error', (error) => (watcher.ended = fromServiceError(error)));
    await new Promise((resolve) => call.on('metadata', resolve));
    return watcher;
  }

  /** The texts of the messages sent so far, in order, once there are `count`. */
  async texts(count: number): Promise<string[]> {
    const texts = (): string[] =>
      this.events.flatMap(({ event }) => (event?.$case === 'messageSent' ? [event.value.preview] : []));
    await waitFor(() => texts().length >= count, { what: 'messages', seen: texts });
    return texts();
  }
}

const bearer = (token: string): Metadata => {
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${token}`);
  return metadata;
};
const joinRoom = ({ client, metadata }: TestPeer, name: string) =>
  callUnary(client.joinRoom.bind(client), { room: name }, { metadata });

describe('WatchEvents', () => {
  let folder: string;
  let harness: Harness;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'enjambre-watch-'));
    harness = await Harness.start({}, { operatorTokenFile: join(folder, 'operator.token') });
  });

  afterEach(async () => {
    await harness.stop();
    await rm(folder, { recursive: true });
  });

  const operator = async (): Promise<Metadata> =>
    bearer((await readFile(join(folder, 'operator.token'), 'utf8')).trim());

  test('streams accepted and acknowledged messages once each', async () => {
    const watcher = await Watcher.start(harness.client(), await operator());
    const { events } = watcher;
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    const text = '🐝'.repeat(200);
    await send(alice, bob, text, 'a');
    await send(alice, bob, text, 'a');
    await send(alice, everyone, 'x', 'b');
    await waitFor(() => events.length >= 3, { what: 'events' });
    const sender = { id: alice.peerId, name: 'alice' };
    const facts = events.map(({ event }) => event);
    const target = `peer:${bob.peerId}`;
    const preview = '🐝'.repeat(120);
    expect(facts).toContainEqual({
      $case: 'messageSent',
      value: { sender, messageId: 'a', target, targetName: 'bob', preview, sizeBytes: 800n },
    });
    expect(facts).toContainEqual({
      $case: 'messageSent',
      value: { sender, messageId: 'b', target: 'all', targetName: 'everyone', preview: 'x', sizeBytes: 1n },
    });
    const receiver = { id: bob.peerId, name: 'bob' };
    expect(facts).toContainEqual({
      $case: 'messageDelivered',
      value: { sender, messageId: 'a', receiver },
    });
    expect(new Set(events.map(({ id }) => id)).size).toBe(3);
    expect(events[0]!.source).toBe('messaging/test');
    await harness.messaging.stop();
    await waitFor(() => watcher.ended, { what: 'the end' });
    expect(watcher.ended).toMatchObject({ reason: 'STOPPING' });
  });

  test('shows texts to their parties and to operators, to others only who wrote to whom and how much', async () => {
    const [alice, bob, carol] = [
      await harness.peer('alice'),
      await harness.peer('bob'),
      await harness.peer('carol'),
    ];
    await joinRoom(alice, 'ops');
    await joinRoom(bob, 'ops');
    const all = ['to bob', 'to ops', 'to all'];
    const watchers: [string, Watcher, string[]][] = [
      ['the operator', await Watcher.start(harness.client(), await operator()), all],
      ['the sender', await Watcher.start(harness.client(), alice.metadata), all],
      ['the receiver', await Watcher.start(harness.client(), bob.metadata), all],
      ['another peer', await Watcher.start(harness.client(), carol.metadata), ['', '', 'to all']],
      ['a stranger', await Watcher.start(harness.client()), ['', '', '']],
      ['a liar', await Watcher.start(harness.client(), bearer('a'.repeat(43))), ['', '', '']],
    ];
    await send(alice, bob, 'to bob');
    await send(alice, room('ops'), 'to ops');
    await send(alice, everyone, 'to all');
    for (const [who, watcher, texts] of watchers)
      expect({ who, texts: await watcher.texts(3) }).toEqual({ who, texts });
    const [, stranger] = watchers[4]!;
    const [sent] = stranger.events;
    expect(sent?.event?.value).toMatchObject({
      sender: { id: alice.peerId, name: 'alice' },
      target: `peer:${bob.peerId}`,
      targetName: 'bob',
      sizeBytes: 6n,
    });
  });

  test('shows a newcomer no text from before its hello, nor of a room from before it joined', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    for (const peer of [alice, bob]) await joinRoom(peer, 'ops');
    await send(alice, everyone, 'to all before');
    await send(alice, room('ops'), 'to ops before');
    const carol = await harness.peer('carol');
    await send(alice, room('ops'), 'to ops between');
    await joinRoom(carol, 'ops');
    await joinRoom(bob, 'ops');
    await send(alice, everyone, 'to all');
    await send(alice, room('ops'), 'to ops');
    const replay = async ({ metadata }: TestPeer): Promise<string[]> =>
      (await Watcher.start(harness.client(), metadata, new Date(Date.now() - 86_400_000))).texts(5);
    expect(await replay(carol)).toEqual(['', '', '', 'to all', 'to ops']);
    const all = ['to all before', 'to ops before', 'to ops between', 'to all', 'to ops'];
    expect(await replay(bob)).toEqual(all);
    await callUnary(carol.client.leaveRoom.bind(carol.client), { room: 'ops' }, { metadata: carol.metadata });
    await joinRoom(carol, 'ops');
    expect(await replay(carol)).toEqual(['', '', '', 'to all', '']);
  });

  test('a token shows texts only while its session is open', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    const watcher = await Watcher.start(harness.client(), bob.metadata);
    await send(alice, bob, 'seen');
    bob.call.end();
    await bob.end();
    await send(alice, bob, 'private');
    expect(await watcher.texts(2)).toEqual(['seen', '']);
  });

  test('refuses an oversized filter', async () => {
    const types = Array<string>(33).fill('*');
    const call = harness.client().watchEvents({ types, since: undefined, replayOnly: false });
    const error = await new Promise((resolve) => call.on('data', () => undefined).on('error', resolve));
    expect(fromServiceError(error)).toMatchObject({ reason: 'BAD_EVENT_FILTER' });
  });
});
