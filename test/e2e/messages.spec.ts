import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { finish, ProcessSwarm, type CommandResult, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { lastLine } from './support/outcome.js';

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let bob: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startMessaging();
  await swarm.startTracker(['--messaging', swarm.messagingAddress]);
  [alice, bob] = [await swarm.startAgent('alice'), await swarm.startAgent('bob')];
  await waitFor(async () => (await send(alice, ['bob', 'hello'])).code === 0, { what: 'both to be known' });
  await waitFor(async () => (await inbox(bob)).length > 0, { what: 'the first message' });
});

afterAll(() => swarm.stop());

const send = (from: SwarmAgent, words: readonly string[]): Promise<CommandResult> =>
  swarm.command(from, ['send', ...words]);

/** Texts of the unread messages, which are then marked as read. */
async function inbox(agent: SwarmAgent, flags: readonly string[] = []): Promise<unknown[]> {
  const { json } = await swarm.command(agent, ['inbox', '--json', ...flags]);
  return json.map(({ text }) => text);
}

async function arrived(agent: SwarmAgent, text: string): Promise<void> {
  const following = swarm.start(agent, ['inbox', '--follow', '--json']);
  const { stdout } = following;
  await waitFor(() => stdout.some((line) => line.includes(JSON.stringify(text))), {
    what: `"${text}" to arrive`,
  });
  // Leave later messages unread.
  following.signal('SIGINT');
  expect(await following.wait()).toBe(0);
}

describe('a message', () => {
  test('to a peer that is down is delivered once when it is back, in order', async () => {
    await bob.process.kill();
    for (const text of ['one', 'two', 'three']) expect((await send(alice, ['bob', text])).code).toBe(0);
    bob = await swarm.startAgent('bob');
    const shown: unknown[] = [];
    await waitFor(async () => shown.push(...(await inbox(bob))) >= 3, { what: 'all of them' });
    expect(shown).toEqual(['one', 'two', 'three']);
    expect(await inbox(bob)).toEqual([]);
    expect(await inbox(bob, ['--all'])).toEqual(['hello', 'one', 'two', 'three']);
  });

  test('is read from standard input as -, lines and all', async () => {
    const args = ['send', '--data-dir', alice.dataDir, 'bob', '-'];
    const piped = (input: string): Promise<CommandResult> =>
      finish(swarm.run(args, { through: ['sh', '-c', `${input} | "$@"`, 'sh'] }));
    expect(await piped("printf 'two\\nlines\\n'")).toMatchObject({ code: 0, stderr: '' });
    await arrived(bob, 'two\nlines');
    const empty = await piped('true');
    expect([empty.code, empty.stderr]).toEqual([2, expect.stringMatching(/the text is empty/)]);
    const long = await piped('head -c 70000 /dev/zero');
    expect([long.code, long.stderr]).toEqual([2, expect.stringMatching(/longer than 64 KiB/)]);
  });

  test('that is unread survives a crash of its receiver', async () => {
    expect((await send(alice, ['bob', 'unread'])).code).toBe(0);
    await swarm.messaging.waitForLog(
      ({ msg }) => /→ bob: unread$/.test(String(msg)),
      'the message to be delivered',
    );
    await bob.process.kill();
    bob = await swarm.startAgent('bob');
    await arrived(bob, 'unread');
  });

  test('sent again with the same id is sent once; another text under that id is refused', async () => {
    const first = await send(alice, ['--id', 'm-1', '--json', 'bob', 'the text']);
    expect(lastLine(first)).toMatchObject({ type: 'sent', id: 'm-1', duplicate: false, receiver_count: 1 });
    expect(lastLine(await send(alice, ['--id', 'm-1', '--json', 'bob', 'the text']))).toMatchObject({
      duplicate: true,
    });
    const other = await send(alice, ['--id', 'm-1', 'bob', 'another text']);
    expect(other.code).toBe(1);
    expect(other.stderr).toMatch(/"?m-1"?.*(another|other) message/);
    await waitFor(async () => (await inbox(bob, ['--all'])).includes('the text'), { what: 'the message' });
    expect((await inbox(bob, ['--all'])).filter((text) => String(text).includes('text'))).toEqual([
      'the text',
    ]);
  });

  test('to a room goes to its members, and to everyone to all peers', async () => {
    for (const agent of [alice, bob])
      lastLine(await swarm.command(agent, ['rooms', 'join', 'ops', '--json']));
    const { json } = await swarm.command(alice, ['rooms', '--json']);
    const id = expect.stringMatching(/^[0-9a-f]{64}$/);
    const members = ['alice', 'bob'].map((name) => ({ id, name }));
    expect(json).toEqual([{ type: 'room', name: 'ops', members }]);
    expect((await swarm.command(alice, ['rooms'])).stdout).toMatch(/^ops +alice, bob$/m);
    expect((await send(bob, ['--room', 'ops', 'to the room'])).stdout).toBe('sent to room ops, 1 receiver');
    await arrived(alice, 'to the room');
    expect((await send(bob, ['--all', 'to all'])).stdout).toBe('sent to everyone, 1 receiver');
    await arrived(alice, 'to all');
    expect((await swarm.command(alice, ['history', '--room', 'ops'])).stdout).toMatch(
      /^SENT +FROM +TO +MESSAGE +ID\n\S+ \S+ [+-]\d{2}:\d{2} {2}bob +room ops +to the room +\S+$/,
    );
  });

  test('appears on the console of the tracker, with its sender', async () => {
    await send(alice, ['bob', 'seen\u001b[31m by all']);
    const shown = await swarm.tracker.waitForLog(
      ({ msg }) => (String(msg).includes('seen') ? String(msg) : undefined),
      'the message on the console',
    );
    expect(shown).toMatch(/^message sent: alice \([0-9a-f]{8}\) → bob: seen\\u\{1b\}\[31m by all$/);
  });

  test('registers everything again with a messaging service that lost its memory', async () => {
    await swarm.messaging.kill();
    const early = await send(alice, ['bob', 'nobody there']);
    expect(early.code).toBe(4);
    expect(early.stderr).toMatch(/^enjambre: the messaging service at \S+ cannot be reached .*: start it/);
    await swarm.startMessaging();
    await waitFor(async () => (await send(alice, ['bob', 'again'])).code === 0, {
      what: 'bob to be known to the messaging service',
    });
    await arrived(bob, 'again');
    await waitFor(async () => /^ops +alice, bob$/m.test((await swarm.command(alice, ['rooms'])).stdout), {
      what: 'the room to have its members again',
    });
  });
});

test('a room that was never joined cannot be left', async () => {
  lastLine(await swarm.command(bob, ['rooms', 'join', 'left', '--json']));
  for (const room of ['left', 'nowhere']) {
    const { code, stdout, stderr } = await swarm.command(alice, ['rooms', 'leave', room]);
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: '',
      stderr: `enjambre: not a member of the room "${room}": \`enjambre rooms\` shows the rooms and their members`,
    });
  }
  const { code, stdout } = await swarm.command(bob, ['rooms', 'leave', 'left']);
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'left left' });
});

describe('a message that cannot be sent is refused with the reason:', () => {
  test.each<[string, string[], number, RegExp]>([
    ['to nobody that is known', ['nobody', 'hi'], 3, /no peer "nobody" is known/],
    ['to a room that is not there', ['--room', 'nowhere', 'hi'], 3, /nowhere/],
    ['without a text', ['bob'], 2, /recipient or text is missing/],
    ['an empty text', ['--all', ''], 2, /the text is empty/],
    ['both to a room and to all', ['--room', 'x', '--all', 'hi'], 2, /exclude each other/],
    ['more than 64 KiB', ['bob', 'x'.repeat(65_537)], 2, /65536 are allowed: share it as a file/],
    ['with an id that is none', ['--id', 'x'.repeat(65), 'bob', 'hi'], 2, /64/],
  ])('%s', async (_, words, code, message) => {
    const result = await send(alice, words);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
    expect(result.stderr.split('\n')).toHaveLength(1);
  });

  test('by an agent without a messaging service', async () => {
    const loner = await swarm.startAgent('loner', ['--messaging', '127.0.0.1:1']);
    const result = await send(loner, ['bob', 'hi']);
    expect(result.code).toBe(4);
    expect(result.stderr).toMatch(/cannot be reached/);
  });
});
