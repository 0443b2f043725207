import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import type {
  ListMessagesRequest,
  ListMessagesResponse,
  ListRoomsResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { everyone, Harness, room, send } from './support/harness.js';
import type { TestPeer } from './support/test-peer.js';

const join = ({ client, metadata }: TestPeer, name: string) =>
  callUnary(client.joinRoom.bind(client), { room: name }, { metadata });
const listRooms = (
  { client, metadata }: TestPeer,
  pageSize: number,
  pageToken = '',
): Promise<ListRoomsResponse> =>
  callUnary(client.listRooms.bind(client), { pageSize, pageToken }, { metadata });
const list = (
  { client, metadata }: TestPeer,
  request: Partial<ListMessagesRequest> = {},
): Promise<ListMessagesResponse> =>
  callUnary(
    client.listMessages.bind(client),
    { target: undefined, pageSize: 0, pageToken: '', ...request },
    { metadata },
  );
const textsOf = ({ messages }: ListMessagesResponse): string[] => messages.map(({ text }) => text);

describe('look-ups', () => {
  let harness: Harness;

  beforeEach(async () => {
    harness = await Harness.start();
  });

  afterEach(() => harness.stop());

  test('ListMessages shows the sent and received messages of the caller, newest first, and none of others', async () => {
    const [alice, bob, carol] = await Promise.all(
      ['alice', 'bob', 'carol'].map((name) => harness.peer(name)),
    );
    await Promise.all([join(alice!, 'ops'), join(bob!, 'ops')]);
    await send(alice!, bob, '1 to bob');
    await send(bob!, alice, '2 to alice');
    await send(bob!, carol, '3 to carol');
    await send(alice!, room('ops'), '4 to ops');
    await send(carol!, everyone, '5 to all');
    expect(textsOf(await list(alice!))).toEqual(['5 to all', '4 to ops', '2 to alice', '1 to bob']);
    expect(textsOf(await list(carol!))).toEqual(['5 to all', '3 to carol']);
    const bobs = { target: { $case: 'peer', value: 'bob' } } as const;
    expect(textsOf(await list(alice!, { target: bobs }))).toEqual(['2 to alice', '1 to bob']);
    expect(textsOf(await list(alice!, { target: room('ops') }))).toEqual(['4 to ops']);
    expect(textsOf(await list(alice!, { target: everyone }))).toEqual(['5 to all']);
    const nobody = { target: { $case: 'peer', value: 'nobody' } } as const;
    await expect(list(alice!, { target: nobody })).rejects.toMatchObject({ reason: 'UNKNOWN_PEER' });
  });

  test('ListMessages has pages without gaps, even if new messages arrive between them', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    for (let n = 0; n < 7; n++) await send(alice, bob, String(n));
    const first = await list(bob, { pageSize: 3 });
    await send(alice, bob, 'later');
    const second = await list(bob, { pageSize: 3, pageToken: first.nextPageToken });
    const third = await list(bob, { pageSize: 3, pageToken: second.nextPageToken });
    expect([first, second, third].map(textsOf)).toEqual([['6', '5', '4'], ['3', '2', '1'], ['0']]);
    expect(third.nextPageToken).toBe('');
  });

  test('ListRooms lists rooms by name, with their members, in pages', async () => {
    const [alice, bob] = [await harness.peer('alice'), await harness.peer('bob')];
    for (const name of ['c', 'a', 'b']) await join(alice, name);
    await join(bob, 'b');
    await join(bob, 'b');
    const page = await listRooms(bob, 2);
    const members = [alice, bob].map(({ peerId: id }, index) => ({ id, name: ['alice', 'bob'][index] }));
    const first = { name: 'a', memberNames: ['alice'], members: members.slice(0, 1) };
    expect(page.rooms).toEqual([first, { name: 'b', memberNames: ['alice', 'bob'], members }]);
    const second = await listRooms(bob, 2, page.nextPageToken);
    expect(second).toEqual({ rooms: [{ ...first, name: 'c' }], nextPageToken: '' });
  });

  test.each(['x', '!', 'eyJhIjoxfQ', Buffer.from('"a"').toString('base64url') + '=', 'a'.repeat(5000)])(
    'an invalid page token is refused (%p)',
    async (pageToken) => {
      const alice = await harness.peer('alice');
      await expect(list(alice, { pageToken })).rejects.toMatchObject({ reason: 'BAD_PAGE_TOKEN' });
      if (!pageToken.endsWith('='))
        await expect(listRooms(alice, 0, pageToken)).rejects.toMatchObject({ reason: 'BAD_PAGE_TOKEN' });
    },
  );
});
