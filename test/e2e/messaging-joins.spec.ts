import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';

jest.setTimeout(90_000);

const SOON_MS = 20_000;

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let mallory: SwarmAgent;
let settings: string[];

async function ca(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await swarm.enjambre(['ca', ...args, '--ca', 'ca']);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

function logged(process: ManagedProcess, pattern: RegExp): Promise<true> {
  const matches = ({ msg }: Record<string, unknown>): true | undefined =>
    pattern.test(String(msg)) ? true : undefined;
  return process.waitForLog(matches, String(pattern), SOON_MS);
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await ca('init', '--network', 'prod');
  await swarm.startTracker(['--ca', 'ca']);
  settings = ['--tracker', swarm.trackerAddress, '--data-dir', 'messaging'];
  const file = join(swarm.root, 'token');
  await writeFile(file, await ca('token', '--role', 'messaging'));
  await logged(await swarm.startMessaging([...settings, '--join-file', file]), /joined the network prod/);
  await rm(file);
  alice = await swarm.startAgent('alice', ['--join', await ca('token')]);
  mallory = await swarm.startAgent('mallory', ['--join', await ca('token')]);
});

afterAll(() => swarm.stop());

describe('a messaging service with a join token', () => {
  test('is a member of the network, also after a restart', async () => {
    expect(await swarm.command(mallory, ['send', 'alice', 'hello'])).toMatchObject({ code: 0 });
    await swarm.messaging.stop();
    await swarm.startMessaging([...settings, '--join-file', 'token']);
    await waitFor(async () => (await swarm.command(alice, ['send', 'mallory', 'hi'])).code === 0, {
      what: 'the service after its restart',
    });
  });

  test('learns from the tracker what is revoked, and keeps it', async () => {
    await ca('revoke', 'mallory');
    await logged(swarm.messaging, /revoked certificates: 1/);
    await logged(mallory.process, /messaging.*your certificate was revoked/);
    const kept = await readFile(join(swarm.root, 'messaging', 'tls', 'revoked.json'), 'utf8');
    expect(kept).toContain('signature');
    expect((await swarm.command(mallory, ['send', 'alice', 'again'])).code).not.toBe(0);
  });

  test('does not join with the token of an agent', async () => {
    const other = swarm.run([
      ...['messaging', '--listen', '127.0.0.1:0', '--tracker', swarm.trackerAddress],
      ...['--data-dir', 'other', '--join', await ca('token')],
    ]);
    expect(await other.wait()).not.toBe(0);
    expect(other.stderr.join()).toContain(
      'the join token is for the role agent: ask for one of "enjambre ca token --role messaging"',
    );
  });
});
