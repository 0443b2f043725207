import { copyFile, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { MIB, shareFile, type SharedFile, type Status } from './support/sharing.js';

jest.setTimeout(90_000);

/** A revocation is in use within five seconds; a busy machine takes longer. */
const SOON_MS = 20_000;
const REVOKED = /your certificate was revoked at .*: ask for a new join token, .* join with a new key/;

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let bob: SwarmAgent;
let mallory: SwarmAgent;
let file: SharedFile;

async function token(): Promise<string> {
  return (await swarm.enjambre(['ca', 'token', '--ca', 'ca'])).stdout;
}

async function status(agent: SwarmAgent, ref: string): Promise<Status> {
  const { json } = await swarm.command(agent, ['status', ref, '--json']);
  return json[0] as unknown as Status;
}

function logged(process: ManagedProcess, pattern: RegExp): Promise<true> {
  return process.waitForLog(
    ({ msg }) => (pattern.test(String(msg)) ? true : undefined),
    String(pattern),
    SOON_MS,
  );
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  expect(await swarm.enjambre(['ca', 'init', '--ca', 'ca', '--network', 'prod'])).toMatchObject({ code: 0 });
  await swarm.startTracker(['--ca', 'ca']);
  alice = await swarm.startAgent('alice', ['--join', await token(), '--max-upload', '1MiB']);
  bob = await swarm.startAgent('bob', ['--join', await token()]);
  mallory = await swarm.startAgent('mallory', ['--join', await token()]);
  file = await shareFile(swarm, [alice], { name: 'model.bin', bytes: 256 * MIB });
});

afterAll(() => swarm.stop());

describe('an agent whose certificate is revoked', () => {
  test('loses its streams in seconds, and reads why', async () => {
    await swarm.command(mallory, ['get', file.name, '--detach']);
    await waitFor(async () => (await status(mallory, file.name)).done_bytes > 0, { what: 'the first bytes' });
    const began = performance.now();
    const revoked = await swarm.enjambre(['ca', 'revoke', 'mallory', '--ca', 'ca']);
    expect(revoked).toMatchObject({ code: 0, stderr: expect.stringContaining('trackers with this folder') });
    await logged(mallory.process, REVOKED);
    await waitFor(async () => (await status(mallory, file.name)).peers.every(({ connected }) => !connected), {
      what: 'the end of the download',
      timeoutMs: SOON_MS,
    });
    process.stdout.write(`revoked, cut after ${Math.round(performance.now() - began)} ms\n`);
    const { done_bytes: done } = await status(mallory, file.name);
    expect(done).toBeLessThan(file.bytes);
    const doctor = await swarm.command(mallory, ['doctor', '--tracker', swarm.trackerAddress]);
    expect(doctor.stdout).toMatch(REVOKED);
  });

  test('stays out: after its restart, and with a new token', async () => {
    await mallory.process.stop();
    const again = await swarm.startAgent('mallory');
    await logged(again.process, REVOKED);
    await again.process.stop();
    const its = ['--data-dir', mallory.dataDir, '--tracker', swarm.trackerAddress];
    await rm(join(mallory.dataDir, 'tls'), { recursive: true });
    const refused = swarm.run(['agent', '--listen', '127.0.0.1:0', ...its, '--join', await token()]);
    expect(await refused.wait()).not.toBe(0);
    expect(refused.stderr.join()).toMatch(/its key cannot join again: .* join with a new key/);
  });

  test('is refused by others that restart without a tracker', async () => {
    const kept = await readFile(join(alice.dataDir, 'tls', 'revoked.json'), 'utf8');
    expect(kept).toContain('revocations');
    expect((await stat(join(bob.dataDir, 'tls', 'revoked.json'))).size).toBe(kept.length);
  });

  test('is listed', async () => {
    const { stdout, json } = await swarm.enjambre(['ca', 'ls', '--ca', 'ca', '--json']);
    expect(stdout).toContain('revoked_at');
    const revoked = json.filter(({ revoked_at: at }) => at !== undefined);
    expect(revoked).toEqual([expect.objectContaining({ role: 'agent', names: ['mallory'] })]);
  });
});

describe('the other members', () => {
  test('go on', async () => {
    const small = await shareFile(swarm, [alice], { name: 'small.bin', bytes: MIB });
    expect(await swarm.command(bob, ['get', small.name])).toMatchObject({ code: 0 });
  });

  test('of a network with files take a list that is copied beside them', async () => {
    for (const role of ['tracker', 'viewer'])
      await swarm.enjambre(['ca', 'issue', '--ca', 'ca', '--role', role, '--out', role]);
    const service = swarm.run([
      'tracker',
      '--listen',
      '127.0.0.1:0',
      '--tls',
      'tracker',
      '--log-format',
      'json',
    ]);
    const address = await service.waitForLog(
      ({ address: at }) => (typeof at === 'string' ? at : undefined),
      'it',
    );
    const watching = swarm.run(['events', '--follow', '--tracker', address, '--tls', 'viewer']);
    const { json } = await swarm.enjambre(['ca', 'ls', '--ca', 'ca', '--json']);
    const viewer = json.find(({ role }) => role === 'viewer');
    const revoke = ['ca', 'revoke', '--ca', 'ca', '--serial', String(viewer?.['serial'])];
    expect(await swarm.enjambre(revoke)).toMatchObject({ code: 0 });
    await copyFile(join(swarm.root, 'ca', 'revoked.json'), join(swarm.root, 'tracker', 'revoked.json'));
    await logged(service, /revoked certificates: 2/);
    await watching.wait();
    expect(watching.stderr.join()).toContain('your certificate was revoked');
  });
});
