import { join as joinPath } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { hashFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { MIB, shareFile } from './support/sharing.js';

jest.setTimeout(240_000);

const PREFER = ['--tls-mode', 'prefer'];

let swarm: ProcessSwarm;
/** The current process of each agent, which is replaced at each step. */
const agents = new Map<string, SwarmAgent>();
const agent = (name: string): SwarmAgent => agents.get(name)!;

/** The flags with which a program joins the network. */
async function join(...terms: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await swarm.enjambre(['ca', 'token', '--ca', 'ca', ...terms]);
  if (code !== 0) throw new Error(stderr);
  return ['--tracker', swarm.trackerAddress, '--join', stdout];
}

async function restart(name: string, flags: readonly string[]): Promise<void> {
  const before = agents.get(name);
  await before?.process.stop();
  const listen = before ? ['--listen', before.address] : [];
  const after = await swarm.startAgent(name, [
    ...['--messaging', swarm.messagingAddress, ...listen],
    ...flags,
  ]);
  agents.set(name, after);
}

/** The tracker and the messaging service, then the agents, one after the other. */
async function moveAll(
  flags: Readonly<Record<string, readonly string[]>>,
  between: () => Promise<void>,
): Promise<void> {
  const { tracker = [], messaging = [] } = flags;
  await swarm.tracker.stop();
  await swarm.startTracker(tracker);
  await between();
  await swarm.messaging.stop();
  await swarm.startMessaging(messaging);
  await between();
  for (const name of agents.keys()) {
    await restart(name, flags[name] ?? []);
    await between();
  }
}

/** Alice says something to bob, who receives it although one of the programs has just been restarted. */
let said = 0;
async function talk(): Promise<void> {
  said += 1;
  const text = `message ${said}`;
  await waitFor(async () => (await swarm.command(agent('alice'), ['send', 'bob', text])).code === 0, {
    what: `${text} to be sent`,
    everyMs: 200,
  });
  await waitFor(async () => (await swarm.command(agent('bob'), ['inbox', '--all'])).stdout.includes(text), {
    what: `${text} to arrive`,
    everyMs: 200,
  });
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  await swarm.startMessaging();
  for (const name of ['alice', 'bob', 'carol']) await restart(name, []);
});

afterAll(() => swarm.stop());

test('a network moves to TLS program by program, while a download and messages go on', async () => {
  const file = await shareFile(swarm, [agent('alice')], { name: 'model.bin', bytes: 96 * MIB });
  const slow = ['--detach', '--max-download', '1MiB'];
  expect(await swarm.command(agent('bob'), ['get', file.name, ...slow])).toMatchObject({ code: 0 });
  await talk();
  expect(await swarm.enjambre(['ca', 'init', '--ca', 'ca', '--network', 'prod'])).toMatchObject({ code: 0 });
  const ca = ['--ca', 'ca'];
  const messaging = [...(await join('--role', 'messaging')), '--data-dir', 'messaging'];
  const preferring: Record<string, readonly string[]> = {
    tracker: [...ca, ...PREFER],
    messaging: [...messaging, ...PREFER],
  };
  for (const name of agents.keys()) preferring[name] = [...(await join('--name', name)), ...PREFER];
  let fetched = 0;
  // At each step one who has moved downloads from one who has not, or the reverse.
  const check = async (): Promise<void> => {
    await talk();
    fetched += 1;
    const small = await shareFile(swarm, [agent('alice')], { name: `small-${fetched}.bin`, bytes: MIB });
    // A tracker that has just started knows a file once its seeder is back.
    const get = ['get', small.name, '--timeout', '20s'];
    await waitFor(async () => (await swarm.command(agent('carol'), get)).code === 0, {
      ...{ what: `a copy of ${small.name}`, everyMs: 200, timeoutMs: 60_000 },
    });
  };
  await moveAll(preferring, check);
  const { stdout } = swarm.tracker;
  expect(stdout.filter((line) => line.includes('connections without TLS are allowed'))).not.toEqual([]);
  // All programs speak TLS with each other now: plaintext may end.
  // The agents have joined.
  await moveAll({ tracker: ca, messaging }, check);
  const refused = await swarm.enjambre(['files', '--tracker', swarm.trackerAddress]);
  expect(refused.stderr).toContain('this server requires TLS');
  const bob = agent('bob');
  expect(await swarm.command(bob, ['limit', file.name, '--max-download', 'none'])).toMatchObject({ code: 0 });
  expect(await swarm.command(bob, ['get', file.name])).toMatchObject({ code: 0 });
  expect(await hashFile(joinPath(bob.downloadDir, file.name))).toBe(file.sha256);
});
