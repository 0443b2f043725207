import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { MIB, shareFile } from './support/sharing.js';

jest.setTimeout(90_000);

const SOON_MS = 20_000;

let swarm: ProcessSwarm;
let alice: SwarmAgent;

async function ca(action: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await swarm.enjambre(['ca', action, ...args]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await ca('init', '--ca', 'root', '--network', 'prod');
  await ca('intermediate', '--ca', 'root', '--out', 'online');
  const byRoot = await ca('token', '--ca', 'root');
  // The root goes off line.
  await rename(join(swarm.root, 'root'), join(swarm.root, 'offline'));
  await swarm.startTracker(['--ca', 'online']);
  alice = await swarm.startAgent('alice', ['--join', byRoot]);
});

afterAll(() => swarm.stop());

describe('a tracker with an intermediate CA', () => {
  test('takes tokens of the root and of that CA, and peers trust the root', async () => {
    const bob = await swarm.startAgent('bob', ['--join', await ca('token', '--ca', 'online')]);
    const file = await shareFile(swarm, [alice], { name: 'model.bin', bytes: MIB });
    expect(await swarm.command(bob, ['get', file.name])).toMatchObject({ code: 0 });
    const root = await readFile(join(swarm.root, 'offline', 'ca.crt'), 'utf8');
    expect(await readFile(join(bob.dataDir, 'tls', 'ca.crt'), 'utf8')).toBe(root);
  });

  test('is in one network with programs whose certificates the root has issued', async () => {
    await ca('issue', '--ca', 'offline', '--role', 'viewer', '--out', 'viewer');
    const { stdout } = await swarm.enjambre(['files', '--tracker', swarm.trackerAddress, '--tls', 'viewer']);
    expect(stdout).toContain('model.bin');
  });

  test('makes no further CA', async () => {
    await expect(ca('intermediate', '--ca', 'online', '--out', 'third')).rejects.toThrow(
      'an intermediate CA makes no further CAs: name the folder of the root CA with --ca',
    );
    await expect(ca('intermediate', '--ca', 'offline', '--out', 'offline')).rejects.toThrow(
      'there is another CA in',
    );
  });

  test('revokes, and its successor still does', async () => {
    const carol = await swarm.startAgent('carol', ['--join', await ca('token', '--ca', 'online')]);
    await ca('revoke', 'carol', '--ca', 'online');
    await carol.process.waitForLog(
      ({ msg }) => (/your certificate was revoked/.test(String(msg)) ? true : undefined),
      'the revocation',
      SOON_MS,
    );
    await carol.process.stop();
    await ca('intermediate', '--ca', 'offline', '--out', 'online');
    await swarm.tracker.stop();
    await swarm.startTracker(['--ca', 'online']);
    const again = await swarm.startAgent('carol');
    await again.process.waitForLog(
      ({ msg }) => (/your certificate was revoked/.test(String(msg)) ? true : undefined),
      'the revocation',
      SOON_MS,
    );
    await again.process.stop();
  });
});

describe('an intermediate CA that the root has revoked', () => {
  test('issues nothing that counts', async () => {
    await ca('intermediate', '--ca', 'offline', '--out', 'stolen');
    const issued = (await swarm.enjambre(['ca', 'ls', '--ca', 'offline', '--json'])).json;
    const stolen = issued.filter(({ role }) => role === 'intermediate').at(-1);
    await ca('issue', '--ca', 'stolen', '--role', 'viewer', '--out', 'forged');
    const files = ['files', '--tracker', swarm.trackerAddress, '--tls', 'forged'];
    expect(await swarm.enjambre(files)).toMatchObject({ code: 0 });
    await ca('revoke', '--serial', String(stolen?.['serial']), '--ca', 'offline');
    // Renewing the CA of the tracker takes the list of the root along.
    await ca('intermediate', '--ca', 'offline', '--out', 'online');
    await swarm.tracker.stop();
    await swarm.startTracker(['--ca', 'online']);
    const refused = await swarm.enjambre(files);
    expect(refused.stderr).toContain('your certificate was revoked at');
    await rm(join(swarm.root, 'stolen'), { recursive: true });
  });
});
