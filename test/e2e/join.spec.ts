import { once } from 'node:events';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { parseTcpAddress } from '@enjambre/common/config/address';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { MIB } from './support/sharing.js';

jest.setTimeout(60_000);

let swarm: ProcessSwarm;
let alice: SwarmAgent;

async function token(...args: string[]): Promise<string> {
  const { code, stdout } = await swarm.enjambre(['ca', 'token', '--ca', 'ca', ...args]);
  expect(code).toBe(0);
  return stdout;
}

/** Tries to start an agent, and returns why it does not start. */
async function refusal(name: string, ...args: string[]): Promise<string> {
  const agent = swarm.run([
    ...[
      'agent',
      '--name',
      name,
      '--data-dir',
      `${name}-refused`,
      '--listen',
      '127.0.0.1:0',
      '--log-format',
      'json',
    ],
    ...['--tracker', swarm.trackerAddress, ...args],
  ]);
  expect(await agent.wait()).not.toBe(0);
  expect(agent.stderr).toHaveLength(1);
  return agent.stderr.join('');
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  expect(await swarm.enjambre(['ca', 'init', '--ca', 'ca', '--network', 'prod'])).toMatchObject({ code: 0 });
  await swarm.startTracker(['--ca', 'ca']);
  alice = await swarm.startAgent('alice', ['--join', await token('--name', 'alice')]);
});

afterAll(() => swarm.stop());

describe('an agent with a join token', () => {
  test('gets a certificate, and exchanges files with others that did', async () => {
    const bob = await swarm.startAgent('bob', ['--join', await token()]);
    const path = join(swarm.root, 'model.bin');
    await writeRandomFile(path, 2 * MIB);
    expect(await swarm.command(alice, ['share', path])).toMatchObject({ code: 0 });
    expect(await swarm.command(bob, ['get', 'model.bin'])).toMatchObject({ code: 0 });
    expect(await readFile(join(bob.dataDir, 'tls', 'tls.crt'), 'utf8')).toContain('BEGIN CERTIFICATE');
    await expect(stat(join(bob.dataDir, 'tls', 'tls.key'))).rejects.toThrow('ENOENT');
  });

  test('has a certificate that doctor checks', async () => {
    const { stdout } = await swarm.command(alice, ['doctor', '--tracker', swarm.trackerAddress]);
    expect(stdout).toMatch(/^ok +certificate +for the network prod, valid for another 6d23h/m);
  });

  test('stays a member after a restart, without the token', async () => {
    await alice.process.stop();
    await swarm.tracker.stop();
    await swarm.startTracker(['--ca', 'ca']);
    alice = await swarm.startAgent('alice');
    const { stdout } = await swarm.command(alice, ['peers', '--json']);
    expect(stdout).toContain('"name":"alice"');
  });

  test('does not fall back to plaintext: a tracker without TLS is none of its network', async () => {
    const other = swarm.run(['tracker', '--listen', '127.0.0.1:0', '--log-format', 'json']);
    const address = await other.waitForLog(
      ({ address: at }) => (typeof at === 'string' ? at : undefined),
      'the tracker',
    );
    await alice.process.stop();
    alice = await swarm.startAgent('alice', ['--tracker', address]);
    await alice.process.waitForLog(
      ({ msg }) =>
        /the server does not use TLS, which this program requires/.test(String(msg)) ? true : undefined,
      'the reason',
    );
    await alice.process.stop();
    alice = await swarm.startAgent('alice');
  });
});

describe('a member', () => {
  test('does not start without TLS if its certificate cannot be used, and joins again with a token', async () => {
    const eve = await swarm.startAgent('eve', ['--join', await token()]);
    await eve.process.stop();
    await writeFile(join(eve.dataDir, 'tls', 'tls.crt'), 'half');
    const again = swarm.run(['agent', '--data-dir', eve.dataDir, '--tracker', swarm.trackerAddress]);
    expect(await again.wait()).not.toBe(0);
    expect(again.stderr.join()).toMatch(
      /holds no certificate.*join again: print a token with "enjambre ca token".* --join TOKEN/,
    );
    const both = swarm.run(['agent', '--data-dir', eve.dataDir, '--insecure', '--join', 'x']);
    expect(await both.wait()).toBe(2);
    await swarm.startAgent('eve', ['--join', await token()]);
    expect((await swarm.command(eve, ['peers'])).stdout).toContain('eve');
  });

  test('keeps its certificate beside `enjambre dev` in the same folder', async () => {
    const before = await readFile(join(alice.dataDir, 'tls', 'ca.crt'), 'utf8');
    const ports = ['--tracker-listen', '--messaging-listen', '--listen'].flatMap((flag) => [flag, ':0']);
    const busy = swarm.run(['dev', '--data-dir', alice.dataDir, ...ports]);
    expect(await busy.wait()).not.toBe(0);
    expect(busy.stderr.join()).toContain('is using');
    await alice.process.stop();
    const dev = swarm.run(['dev', '--data-dir', alice.dataDir, ...ports]);
    expect(await dev.wait()).not.toBe(0);
    expect(dev.stderr.join()).toContain(
      'is a member of another network: choose another folder with --data-dir',
    );
    expect(await readFile(join(alice.dataDir, 'tls', 'ca.crt'), 'utf8')).toBe(before);
    alice = await swarm.startAgent('alice');
  });
});

describe('a tracker with TLS', () => {
  test('stops in time although a client says nothing', async () => {
    const other = swarm.run(['tracker', '--listen', '127.0.0.1:0', '--ca', 'ca', '--log-format', 'json']);
    const address = await other.waitForLog(
      ({ address: at }) => (typeof at === 'string' ? at : undefined),
      'the tracker',
    );
    const { host, port } = parseTcpAddress(address);
    const silent = connect({ host, port });
    silent.on('error', () => undefined);
    await once(silent, 'connect');
    const began = performance.now();
    await other.stop();
    // A kill would come after ten.
    expect(performance.now() - began).toBeLessThan(8000);
    silent.destroy();
  });
});

describe('a join token', () => {
  test('is good once, for its name, in its time and its network', async () => {
    const single = await token('--name', 'w*');
    expect(await refusal('x', '--join', single)).toContain(
      'does not allow the name "x": choose one that matches "w*"',
    );
    await swarm.startAgent('w1', ['--join', single]);
    expect(await refusal('w2', '--join', single)).toContain(
      'the join token was used already: ask for a new one',
    );
    expect(await refusal('w2', '--join', 'word')).toContain('this is not a join token');
    const wrong = await swarm.enjambre(['ca', 'token', '--ca', 'ca', '--role', 'operator']);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(await refusal('w2', '--join', await token('--ttl', '1ms'))).toMatch(
      /the join token expired .* ago/,
    );
    expect(await swarm.enjambre(['ca', 'init', '--ca', 'other', '--network', 'prod'])).toMatchObject({
      code: 0,
    });
    const foreign = (await swarm.enjambre(['ca', 'token', '--ca', 'other'])).stdout;
    expect(await refusal('w2', '--join', foreign)).toContain(
      'is not that of the join token: check the address',
    );
  });

  test('needs a tracker that has the CA', async () => {
    const plain = swarm.run(['tracker', '--listen', '127.0.0.1:0', '--log-format', 'json']);
    const address = await plain.waitForLog(
      ({ address: at }) => (typeof at === 'string' ? at : undefined),
      'the tracker',
    );
    expect(await refusal('w3', '--tracker', address, '--join', await token())).toContain(
      `no tracker with TLS answers at ${address}: check the address, and start it with --ca`,
    );
  });
});
