import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { allLines, lastLine, type JsonLine } from '../e2e/support/outcome.js';

jest.setTimeout(180_000);

const NAME = 'weights.bin';
const LIMIT_MS = 30_000;

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(() => swarm.stop());

/** Shares other content under the name, from another folder each time. */
async function publish(agent: SwarmAgent, folder: string): Promise<void> {
  const path = join(swarm.root, folder, NAME);
  await mkdir(join(swarm.root, folder));
  await writeFile(path, randomBytes(50_000));
  expect(await swarm.command(agent, ['share', path])).toMatchObject({ code: 0 });
}

async function listed(agent: SwarmAgent): Promise<readonly JsonLine[]> {
  return allLines(await swarm.command(agent, ['files', NAME, '--json']));
}

/** Number, publisher and age of each version of the name that is listed, the newest last. */
async function versions(agent: SwarmAgent): Promise<readonly unknown[]> {
  const files = [...(await listed(agent))].sort((one, other) => Number(one.version) - Number(other.version));
  return files.map(({ version, publisher, superseded, published_at: at }) => ({
    version,
    publisher,
    superseded,
    at,
  }));
}

describe('a tracker without NATS that has lost its memory', () => {
  test('learns versions, numbers and times from those who have copies, while their publisher is away', async () => {
    const tracker = await swarm.startTracker();
    const alice = await swarm.startAgent('alice');
    const bob = await swarm.startAgent('bob');
    const carol = await swarm.startAgent('carol');
    const dave = await swarm.startAgent('dave');
    await publish(alice, 'one');
    const [first] = await listed(carol);
    const byInfohash = await swarm.command(carol, ['get', String(first?.infohash), '--json']);
    expect(lastLine(byInfohash)).toMatchObject({ type: 'done' });
    await publish(alice, 'two');
    expect(lastLine(await swarm.command(bob, ['get', NAME, '--json']))).toMatchObject({ type: 'done' });
    const before = await versions(dave);
    expect(before).toMatchObject([
      { version: 1, publisher: { name: 'alice' }, superseded: true },
      { version: 2, publisher: { name: 'alice' }, superseded: false },
    ]);

    await alice.process.kill();
    await tracker.kill();
    await swarm.startTracker();
    // Until its agent is connected again, the command fails.
    await waitFor(async () => (await listed(dave)).length === 2, {
      ...{ what: 'both files', timeoutMs: LIMIT_MS, retryErrors: true },
    });
    expect(await versions(dave)).toEqual(before);
    expect(lastLine(await swarm.command(dave, ['get', NAME, '--json']))).toMatchObject({ type: 'done' });
    expect(lastLine(await swarm.command(dave, ['ls', '--json']))).toMatchObject({ version: 2 });
  });
});
