import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { MIB, shareFile, type SharedFile } from './support/sharing.js';

jest.setTimeout(90_000);

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let model: SharedFile;
let secret: SharedFile;

async function ca(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await swarm.enjambre(['ca', ...args, '--ca', 'ca']);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

async function start(name: string, ...may: string[]): Promise<SwarmAgent> {
  const token = await ca('token', '--name', name, ...may.flatMap((each) => ['--may', each]));
  return swarm.startAgent(name, ['--join', token, '--log-level', 'debug']);
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await ca('init', '--network', 'prod');
  await swarm.startTracker(['--ca', 'ca']);
  await swarm.startMessaging([
    '--tracker',
    swarm.trackerAddress,
    '--join',
    await ca('token', '--role', 'messaging'),
    '--data-dir',
    'messaging',
  ]);
  alice = await start('alice');
  model = await shareFile(swarm, [alice], { name: 'llama-7b.bin', bytes: 2 * MIB });
  secret = await shareFile(swarm, [alice], { name: 'payroll.bin', bytes: 2 * MIB });
});

afterAll(() => swarm.stop());

test('an agent gets the files of its namespace, passes them on, and sees no others', async () => {
  const bob = await start('bob', 'get:llama-*');
  const seen = await waitFor(
    async () => {
      const { stdout } = await swarm.command(bob, ['files']);
      return stdout.includes('llama-7b.bin') && stdout;
    },
    { what: 'the file that bob may get' },
  );
  expect(seen).not.toContain('payroll');
  expect(await swarm.command(bob, ['get', model.name])).toMatchObject({ code: 0 });
  expect(await readFile(join(bob.downloadDir, model.name))).toHaveLength(2 * MIB);
  const carol = await start('carol', 'get:llama-*');
  expect(await swarm.command(carol, ['get', model.name])).toMatchObject({ code: 0 });
});

test('knowing the infohash, the magnet link and the address of a seeder is not enough', async () => {
  const dora = await start('dora', 'get:llama-*');
  expect(await swarm.command(dora, ['get', secret.name])).toMatchObject({ code: 3 });
  for (const ref of [secret.infohash, secret.magnet]) {
    const got = await swarm.command(dora, ['get', ref, '--timeout', '4s']);
    expect(got.code).not.toBe(0);
  }
  const peer = `${secret.magnet}&x.pe=${alice.address}`;
  const direct = await swarm.command(dora, ['get', peer, '--timeout', '4s']);
  expect(direct.code).not.toBe(0);
  await expect(readFile(join(dora.downloadDir, secret.name))).rejects.toThrow('ENOENT');
});

test('an agent without the right shares nothing, and its log says why', async () => {
  const eve = await start('eve', 'get:*');
  await shareFile(swarm, [eve], { name: 'llama-fake.bin', bytes: MIB });
  await eve.process.waitForLog(
    ({ msg }) => (/does not allow you to share "llama-fake\.bin"/.test(String(msg)) ? true : undefined),
    'the refusal',
  );
  expect((await swarm.command(alice, ['files'])).stdout).not.toContain('llama-fake');
});

test('rights are for messages and events as well', async () => {
  const frank = await start('frank', 'get:llama-*', 'events:llama-*');
  const sent = await swarm.command(frank, ['send', 'alice', 'hello']);
  expect(sent.stderr).toContain('your certificate does not allow you to send');
  await swarm.command(frank, ['get', model.name]);
  const { stdout } = await swarm.command(frank, ['events', '--since', '1h']);
  expect(stdout).toContain(model.name);
  expect(stdout).not.toContain('payroll');
});

test('the right to send within a pattern is for the rooms that match', async () => {
  const gina = await start('gina', 'send:ops*');
  await swarm.command(alice, ['rooms', 'join', 'ops-night']);
  expect(await swarm.command(gina, ['rooms', 'join', 'ops-night'])).toMatchObject({ code: 0 });
  expect(await swarm.command(gina, ['send', '--room', 'ops-night', 'hello'])).toMatchObject({ code: 0 });
  for (const args of [
    ['rooms', 'join', 'sales'],
    ['send', 'alice', 'hello'],
    ['send', '--all', 'hello'],
  ])
    expect((await swarm.command(gina, args)).stderr).toContain('your certificate does not allow you to send');
});

test('a permission that does not exist is refused by the command', async () => {
  const { code, stderr } = await swarm.enjambre(['ca', 'token', '--ca', 'ca', '--may', 'read:x']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('"read:x" is no permission: write share, get')]);
});
