import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { allLines, expectRefused, lastLine, type JsonLine } from '../e2e/support/outcome.js';

jest.setTimeout(180_000);

const NAME = 'w1.bin';
const SIZE = 2 << 20;
const LIMIT_MS = 30_000;

let swarm: ProcessSwarm;
let shared: string;
/** SHA-256 of each version, the first first. */
let hashes: string[];

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  shared = join(swarm.root, 'shared');
  await mkdir(shared);
  hashes = [];
  await swarm.startTracker();
});

afterEach(() => swarm.stop());

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const fileOf = ({ downloadDir }: SwarmAgent): string => join(downloadDir, NAME);
const versionIn = async (path: string): Promise<number> => 1 + hashes.indexOf(hashOf(await readFile(path)));

/** The publisher replaces the file in its shared folder, as a training job does. */
async function publish(): Promise<void> {
  const bytes = randomBytes(SIZE);
  hashes.push(hashOf(bytes));
  const path = join(swarm.root, 'new.bin');
  await writeFile(path, bytes);
  await rename(path, join(shared, NAME));
}

/** The files of that name that an agent's tracker lists. */
async function listed(agent: SwarmAgent): Promise<readonly JsonLine[]> {
  return allLines(await swarm.command(agent, ['files', NAME, '--json']));
}

/** Waits until the newest version of alice is listed. */
function untilListed(agent: SwarmAgent): Promise<unknown> {
  return waitFor(
    async () =>
      (await listed(agent)).some(
        ({ version, superseded, publisher }) =>
          version === hashes.length && superseded === false && JSON.stringify(publisher).includes('"alice"'),
      ),
    { what: `version ${hashes.length} in the catalogue`, timeoutMs: LIMIT_MS, everyMs: 200 },
  );
}

function untilAt(agent: SwarmAgent, version = hashes.length): Promise<unknown> {
  let seen: unknown;
  return waitFor(
    async () => {
      const transfers = allLines(await swarm.command(agent, ['ls', '--json']));
      const [only] = (seen = transfers);
      const isAlone = transfers.length === 1 && only?.state === 'seeding' && only.version === version;
      return isAlone && (await versionIn(fileOf(agent))) === version;
    },
    { what: `version ${version} at ${agent.name}`, timeoutMs: LIMIT_MS, everyMs: 200, seen: () => seen },
  );
}

const get = (agent: SwarmAgent, ...args: string[]) => swarm.command(agent, ['get', NAME, '--json', ...args]);

/** Gets the newest version in place of the old one, which a reader has open. */
async function replaceUnderReader(agent: SwarmAgent, ...args: string[]): Promise<void> {
  const before = await versionIn(fileOf(agent));
  const reader = await open(fileOf(agent));
  expect(lastLine(await get(agent, '--replace', ...args))).toMatchObject({ type: 'done' });
  expect(await versionIn(fileOf(agent))).toBe(hashes.length);
  expect(hashes.indexOf(hashOf(await reader.readFile())) + 1).toBe(before);
  await reader.close();
}

/** Reads a file over and over: each time it must be one whole version. Returns a function that ends this. */
function watchWholeness(path: string): () => Promise<number> {
  const end = new AbortController();
  const read = async (): Promise<number> => {
    let reads = 0;
    for (; !end.signal.aborted; reads++) {
      expect(await versionIn(path)).toBeGreaterThan(0);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return reads;
  };
  const done = read();
  done.catch(() => undefined);
  return () => {
    end.abort();
    return done;
  };
}

describe('the weekly job: five versions of one file', () => {
  test('reach an agent that follows the name, and one that replaces its file by hand', async () => {
    const alice = await swarm.startAgent('alice', ['--shared-dir', shared]);
    const bob = await swarm.startAgent('bob');
    const follower = ['--follow-interval', '1s'];
    let carol = await swarm.startAgent('carol', follower);

    await publish();
    await untilListed(bob);
    expect(lastLine(await get(bob))).toMatchObject({ type: 'done' });
    const followed = await swarm.command(carol, ['get', NAME, '--follow']);
    expect(followed).toMatchObject({ code: 0, stderr: expect.stringContaining('follows alice') });
    const wholeness = [bob, carol].map((agent) => watchWholeness(fileOf(agent)));

    // The second version: the old one is not offered by anyone any more.
    await publish();
    await untilListed(bob);
    expectRefused(await swarm.command(bob, ['get', NAME]), 1, /belongs to another transfer.*--replace/);
    await replaceUnderReader(bob);
    await untilAt(carol);
    await waitFor(async () => (await listed(bob)).length === 1, { what: 'the end of version 1' });

    // The third: its publisher is gone when bob comes, and the tracker still knows whose it is.
    await publish();
    await untilAt(carol);
    await alice.process.kill();
    await replaceUnderReader(bob);
    expect((await listed(bob))[0]).toMatchObject({ version: 3, publisher: { name: 'alice' } });
    await swarm.startAgent('alice', ['--shared-dir', shared]);
    await untilListed(bob);

    // The fourth: a stranger shares another file under the same name.
    const other = join(swarm.root, 'other', NAME);
    await mkdir(join(swarm.root, 'other'));
    await writeFile(other, randomBytes(SIZE));
    const mallory = await swarm.startAgent('mallory');
    expect(await swarm.command(mallory, ['share', other])).toMatchObject({ code: 0 });
    await publish();
    await untilListed(bob);
    expectRefused(
      await swarm.command(bob, ['get', NAME, '--replace']),
      2,
      /(?=.*"alice")(?=.*"mallory").*--publisher/,
    );
    await untilAt(carol);
    await replaceUnderReader(bob, '--publisher', 'alice');

    // The fifth: the follower is killed while it moves to it.
    await publish();
    await untilListed(bob);
    await waitFor(async () => (await swarm.command(carol, ['ls', '--json'])).stdout.includes('"version":5'), {
      what: 'the move',
      timeoutMs: LIMIT_MS,
      everyMs: 20,
    });
    await carol.process.kill();
    carol = await swarm.startAgent('carol', follower);
    await untilAt(carol);
    await replaceUnderReader(bob, '--publisher', 'alice');
    for (const end of wholeness) expect(await end()).toBeGreaterThan(10);

    // A number means nothing while several publish the name, and nobody has version 1 of alice any more.
    expectRefused(await swarm.command(bob, ['get', `${NAME}@1`]), 2, /matches 2 files/);
    expectRefused(
      await swarm.command(bob, ['get', `${NAME}@1`, '--publisher', 'alice']),
      3,
      /no peer shares/,
    );
  });
});
