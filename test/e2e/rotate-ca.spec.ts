import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { MIB, shareFile } from './support/sharing.js';

jest.setTimeout(300_000);

/** Members renew within 20 s, and look at their files every 5 s. */
const SOON = { timeoutMs: 60_000, intervalMs: 500 };

let swarm: ProcessSwarm;
let members: SwarmAgent[];

async function ca(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await swarm.enjambre(['ca', ...args, '--ca', 'ca']);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** How many CAs each member trusts. */
function trusted(): Promise<number[]> {
  return Promise.all(
    members.map(async ({ dataDir }) => {
      const text = await readFile(join(dataDir, 'tls', 'ca.crt'), 'utf8');
      return text.match(/BEGIN CERTIFICATE/g)?.length ?? 0;
    }),
  );
}

function certificates(): Promise<string[]> {
  return Promise.all(members.map(({ dataDir }) => readFile(join(dataDir, 'tls', 'tls.crt'), 'utf8')));
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await ca('init', '--network', 'prod');
  await swarm.startTracker(['--ca', 'ca']);
  members = [
    await swarm.startAgent('alice', ['--join', await ca('token'), '--max-upload', '2MiB']),
    await swarm.startAgent('bob', ['--join', await ca('token')]),
  ];
});

afterAll(() => swarm.stop());

test('the CA is replaced while a download runs: no restart, and no lost connection', async () => {
  const [alice, bob] = members as [SwarmAgent, SwarmAgent];
  const file = await shareFile(swarm, [alice], { name: 'model.bin', bytes: 100 * MIB });
  const download = swarm.start(bob, ['get', file.name]);
  const before = await certificates();
  expect(await ca('rotate')).toContain('step 1 of 3');
  await waitFor(async () => (await trusted()).every((count) => count === 2), { what: 'both CAs', ...SOON });
  expect(await certificates()).toEqual(before);
  expect(await ca('rotate')).toContain('step 2 of 3');
  // One who joins now, with a token of the new CA.
  const carol = await swarm.startAgent('carol', ['--join', await ca('token')]);
  await waitFor(async () => (await certificates()).every((each, at) => each !== before[at]), {
    ...{ what: 'the new certificates', ...SOON },
  });
  expect(await ca('rotate')).toContain('step 3 of 3');
  await waitFor(async () => (await trusted()).every((count) => count === 1), { what: 'one CA', ...SOON });
  await expect(stat(join(swarm.root, 'ca', 'old.key'))).rejects.toThrow('ENOENT');
  const unlimited = ['limit', '--max-upload', 'none'];
  expect(await swarm.command(alice, unlimited)).toMatchObject({ code: 0 });
  await waitFor(() => !download.isRunning, { what: 'the end of the download', ...SOON }).catch(
    (error: unknown) => {
      throw new Error(`${String(error)}; it said ${download.stderr.slice(-3).join('; ')}`);
    },
  );
  expect(await download.wait()).toBe(0);
  for (const { process } of members)
    expect(
      process.stderr.filter((line) => /no session with tracker|left the swarm|cannot be renewed/.test(line)),
    ).toEqual([]);
  expect(await swarm.command(carol, ['get', file.name])).toMatchObject({ code: 0 });
});
