import { existsSync } from 'node:fs';
import { link, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { hashTree } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { expectRefused } from './support/outcome.js';

jest.setTimeout(60_000);

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let bob: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
});

afterAll(() => swarm.stop());

async function write(path: string, text: string): Promise<string> {
  const whole = join(swarm.root, path);
  await mkdir(join(whole, '..'), { recursive: true });
  await writeFile(whole, text);
  return whole;
}

describe('the keys of an agent', () => {
  test('are protected: `share ~` is refused if its data folder is at the default path', async () => {
    const home = join(swarm.root, 'home');
    await write('home/model.bin', 'model');
    const env = { HOME: home, XDG_DATA_HOME: undefined };
    const args = ['agent', '--listen', '127.0.0.1:0', '--tracker', swarm.trackerAddress];
    const agent = swarm.run(args, { env });
    const data = join(home, '.local/share/enjambre');
    await waitFor(() => existsSync(join(data, 'agent.sock')), { what: 'the control socket' });
    const share = (path: string) => swarm.enjambre(['share', path], { env, cwd: home });
    expectRefused(
      await share(home),
      1,
      /home leads to .*, the data folder of an agent|is the data folder of an agent/,
    );
    expectRefused(await share(data), 1, /is in the data folder/);
    expectRefused(await share(join(data, 'identity.pem')), 1, /is in the data folder/);
    expect((await share('model.bin')).code).toBe(0);
    await agent.stop();
  });

  test('are not overwritten by a download: none goes into a data folder', async () => {
    const key = await write('fake/control.token', 'x'.repeat(40));
    expect((await swarm.command(alice, ['share', key])).code).toBe(0);
    const into = (folder: string) => swarm.command(bob, ['get', 'control.token', '--output', folder]);
    expectRefused(await into(bob.dataDir), 1, /is in the data folder .* choose another folder with --output/);
    expectRefused(await into(join(bob.dataDir, 'transfers/new')), 1, /is in the data folder/);
    await symlink(alice.dataDir, join(swarm.root, 'to-alice'));
    expectRefused(await into(join(swarm.root, 'to-alice')), 1, /is in the data folder/);
    expect(await readdir(bob.dataDir)).not.toContain('control.token');
  });

  test('are never in a download folder: the agent does not start with such a setting', async () => {
    const dataDir = join(swarm.root, 'both');
    const args = ['agent', '--data-dir', dataDir, '--download-dir', dataDir, '--listen', '127.0.0.1:0'];
    expectRefused(await swarm.enjambre(args), 1, /download folder .* choose another with --download-dir/);
  });
});

describe('a folder with links', () => {
  beforeAll(async () => {
    await write('hub/blobs/1234', 'weights');
    await write('hub/snapshots/abc/readme', 'text');
    await symlink('../../blobs/1234', join(swarm.root, 'hub/snapshots/abc/weights'));
  });

  test('is shared without their targets, with a note and exit code 1', async () => {
    const { code, stdout, stderr } = await swarm.command(alice, ['share', 'hub/snapshots/abc']);
    expect(code).toBe(1);
    expect(stdout).toContain('infohash');
    expect(stderr).toContain('not shared: weights is a symbolic link');
  });

  test('is shared completely with --follow-links-outside, and arrives so', async () => {
    const args = ['share', 'hub/snapshots/abc', '-q', '--follow-links-outside', '--name', 'whole'];
    const { code, stderr } = await swarm.command(alice, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect((await swarm.command(bob, ['get', 'whole'])).code).toBe(0);
    expect(await readFile(join(bob.downloadDir, 'whole/weights'), 'utf8')).toBe('weights');
    expect(await readFile(join(bob.downloadDir, 'whole/readme'), 'utf8')).toBe('text');
  });

  test('does not expose the keys of the agent', async () => {
    await write('traps/a', 'a');
    await symlink(join(alice.dataDir, 'identity.pem'), join(swarm.root, 'traps/key'));
    const args = ['share', 'traps', '--follow-links-outside'];
    expectRefused(await swarm.command(alice, args), 1, /is in the data folder/);
    await write('hard/a', 'a');
    await link(join(alice.dataDir, 'identity.pem'), join(swarm.root, 'hard/key'));
    expectRefused(await swarm.command(alice, ['share', 'hard']), 1, /hard\/key is a key of this agent/);
  });
});

describe('names that cannot be shared', () => {
  test('are all reported before anything is hashed, and left out on request', async () => {
    await write('names/good', 'good');
    await write('names/deep/a\\b', 'x');
    const bytes = Buffer.concat([Buffer.from(join(swarm.root, 'names/')), Buffer.from([0x62, 0xe9])]);
    await writeFile(bytes, 'x');
    const refused = await swarm.command(alice, ['share', 'names']);
    expectRefused(refused, 1, /names\/deep\/a\\b holds a path separator/);
    expect(refused.stderr).toMatch(/names\/b\\xe9 is not UTF-8/);
    const { code, stderr, json } = await swarm.command(alice, [
      'share',
      'names',
      '--skip-unsupported',
      '--json',
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain('not shared: the name of deep/a\\b holds a path separator');
    expect(json.at(-1)).toMatchObject({ size_bytes: 4, left_out: { unsupported_count: 2 } });
  });

  test('do not matter if the share has another', async () => {
    const path = await write('odd/x\\y', 'odd');
    expectRefused(await swarm.command(alice, ['share', path]), 2, /choose another with --name/);
    expect((await swarm.command(alice, ['share', path, '--name', 'even'])).code).toBe(0);
    expect((await swarm.command(bob, ['get', 'even'])).code).toBe(0);
    expect(await readFile(join(bob.downloadDir, 'even'), 'utf8')).toBe('odd');
  });

  test('may differ only in case, and in their Unicode form', async () => {
    for (const name of ['xt_MARK.h', 'xt_mark.h', 'caf\u00e9', 'cafe\u0301', 'A/x', 'a/x'])
      await write(`kernel/${name}`, name);
    expect((await swarm.command(alice, ['share', 'kernel'])).code).toBe(0);
    expect((await swarm.command(bob, ['get', 'kernel'])).code).toBe(0);
    expect(await hashTree(join(bob.downloadDir, 'kernel'))).toEqual(
      await hashTree(join(swarm.root, 'kernel')),
    );
  });

  test('are found as written, and in the other Unicode form', async () => {
    const digits = 'ab12'.repeat(16);
    await write(`found/${digits}`, 'digits');
    await write('found/ my file ', 'spaces');
    await write('found/re\u0301sume\u0301', 'marks');
    for (const name of [digits, ' my file ', 're\u0301sume\u0301'])
      expect((await swarm.command(alice, ['share', join('found', name)])).code).toBe(0);
    for (const ref of [digits, ' my file ', 'r\u00e9sum\u00e9']) {
      expect(await swarm.command(bob, ['get', ref])).toMatchObject({ code: 0 });
      expect(await swarm.command(bob, ['status', ref])).toMatchObject({ code: 0 });
      const peers = await swarm.enjambre(['peers', ref, '--tracker', swarm.trackerAddress, '--json']);
      expect(peers).toMatchObject({ code: 0 });
      expect(peers.json).toHaveLength(2);
    }
  });
});

test('content that no metainfo can describe is refused before it is hashed', async () => {
  await write('namesake/namesake', 'x');
  expectRefused(await swarm.command(alice, ['share', 'namesake']), 1, /only a file of its own name/);
});
