import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { NatsServer } from '@enjambre/harness/nats-server';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { allLines, lastLine } from '../e2e/support/outcome.js';
import { TrackerProcess } from './tracker-process.js';

jest.setTimeout(240_000);

const NAME = 'weights.bin';
const LIMIT_MS = 40_000;
const FOLLOW = ['--follow-interval', '1s'];

let swarm: ProcessSwarm;
let one: TrackerProcess;
let other: TrackerProcess;
let contents: Buffer[];

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  const nats = swarm.add(await NatsServer.start());
  [one, other] = ['one', 'other'].map((name) => new TrackerProcess(swarm, name, nats.url)) as [
    TrackerProcess,
    TrackerProcess,
  ];
  await one.start();
  await other.start();
  contents = [];
});

afterEach(() => swarm.stop());

/** Starts an agent that knows these trackers only. */
function agentAt(
  trackers: readonly TrackerProcess[],
  name: string,
  args: readonly string[] = [],
): Promise<SwarmAgent> {
  swarm.useTrackers(trackers.map(({ address }) => address));
  return swarm.startAgent(name, args);
}

async function publish(agent: SwarmAgent): Promise<void> {
  const bytes = randomBytes(100_000);
  contents.push(bytes);
  const folder = join(swarm.root, `version-${contents.length}`);
  await mkdir(folder);
  await writeFile(join(folder, NAME), bytes);
  expect(await swarm.command(agent, ['share', join(folder, NAME)])).toMatchObject({ code: 0 });
}

/** Number and publisher of each listed version, the oldest first, and which of them is the newest. */
async function listed(tracker: TrackerProcess): Promise<readonly unknown[]> {
  const files = (await tracker.list('files')).map(({ version, publisher, superseded, published_at: at }) => ({
    ...{ version, superseded, at, publisher: (publisher as { name?: string } | undefined)?.name },
  }));
  return files.sort((a, b) => Number(a.version) - Number(b.version));
}

function until(what: string, holds: () => Promise<boolean>): Promise<unknown> {
  return waitFor(holds, { what, timeoutMs: LIMIT_MS, everyMs: 200, retryErrors: true });
}

/** An agent has this version, and shows its number. */
async function hasVersion({ downloadDir, ...agent }: SwarmAgent, version: number): Promise<boolean> {
  const transfers = allLines(await swarm.command({ downloadDir, ...agent }, ['ls', '--json']));
  const its = transfers.find(({ state }) => state === 'seeding');
  if (its?.version !== version) return false;
  return (await readFile(join(downloadDir, NAME))).equals(contents[version - 1] ?? Buffer.alloc(0));
}

async function get(agent: SwarmAgent): Promise<void> {
  expect(lastLine(await swarm.command(agent, ['get', NAME, '--json']))).toMatchObject({ type: 'done' });
}

describe('versions of a name at two trackers', () => {
  test('are the same at both, also for one that was killed, while the publisher is away', async () => {
    const alice = await agentAt([one], 'alice');
    const bob = await agentAt([other], 'bob');
    const carol = await agentAt([other], 'carol', FOLLOW);
    await publish(alice);
    await publish(alice);
    await until('version 2 at the other tracker', async () =>
      JSON.stringify(await listed(other)).includes('"version":2'),
    );
    await get(bob);
    expect(await hasVersion(bob, 2)).toBe(true);
    expect(await swarm.command(carol, ['get', NAME, '--follow'])).toMatchObject({ code: 0 });
    await publish(alice);
    await until('the follower at version 3', () => hasVersion(carol, 3));

    await alice.process.kill();
    await until('the end of version 1', async () => (await listed(other)).length === 2);
    const known = await listed(other);
    expect(known).toMatchObject([
      { version: 2, superseded: true, publisher: 'alice' },
      { version: 3, superseded: false, publisher: 'alice' },
    ]);
    await one.end('kill');
    const dave = await agentAt([one, other], 'dave');
    await get(dave);
    expect(await hasVersion(dave, 3)).toBe(true);
    await one.start();
    await until('the same at the tracker that was killed', async () => {
      expect(await listed(one)).toEqual(known);
      return true;
    });

    // Back at the other tracker, the publisher continues where it was.
    const again = await agentAt([other], 'alice');
    await publish(again);
    await until('the follower at version 4', () => hasVersion(carol, 4));
    for (const tracker of [one, other])
      await until('version 4 everywhere', async () => {
        const files = await listed(tracker);
        return JSON.stringify(files.at(-1)).includes('"version":4');
      });
    expect(await listed(one)).toEqual(await listed(other));
    expect(await listed(one)).toMatchObject([
      { version: 1, superseded: true },
      { version: 2, superseded: true },
      { version: 3, superseded: true },
      { version: 4, superseded: false, publisher: 'alice' },
    ]);
  });
});
