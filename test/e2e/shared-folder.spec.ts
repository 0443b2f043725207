import { appendFile, mkdir, readFile, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { allLines, lastLine } from './support/outcome.js';
import { KIB, MIB } from './support/sharing.js';

jest.setTimeout(90_000);

let swarm: ProcessSwarm;
let shared: string;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
  shared = join(swarm.root, 'shared');
  await swarm.startTracker();
});

afterEach(() => swarm.stop());

/** Infohashes of the files that the tracker lists, by name. */
async function listed(agent: SwarmAgent): Promise<Map<string, string>> {
  const lines = allLines(await swarm.command(agent, ['files', '--json', '--tracker', swarm.trackerAddress]));
  return new Map(lines.map(({ name, infohash }) => [String(name), String(infohash)]));
}

/** Waits until `is` is true for the list, and returns it. */
function untilListed(
  agent: SwarmAgent,
  what: string,
  is: (files: Map<string, string>) => boolean,
): Promise<Map<string, string>> {
  return waitFor(
    async () => {
      const files = await listed(agent);
      return is(files) && files;
    },
    { what, timeoutMs: 30_000, everyMs: 200 },
  );
}

describe('a shared folder', () => {
  test('is created, and added, changed and removed entries are listed accordingly', async () => {
    const args = ['--shared-dir', shared, '--shared-ignore', '*.bak'];
    const alice = await swarm.startAgent('alice', args);
    const bob = await swarm.startAgent('bob');
    await symlink('/etc/passwd', join(shared, 'passwd'));
    await writeFile(join(shared, 'old.bak'), 'ignored');
    await writeRandomFile(join(shared, 'file.bin'), MIB);
    const before = await untilListed(alice, 'the file', (files) => files.has('file.bin'));
    expect([...before.keys()]).toEqual(['file.bin']);
    expect(lastLine(await swarm.command(bob, ['get', 'file.bin', '--json']))).toMatchObject({ type: 'done' });

    await writeRandomFile(join(shared, 'file.bin'), MIB / 2);
    const isAnother = (files: Map<string, string>): boolean =>
      files.has('file.bin') && files.get('file.bin') !== before.get('file.bin');
    await waitFor(async () => isAnother(await shares(alice)), { what: 'another infohash', everyMs: 200 });
    expect((await shares(alice)).size).toBe(1);

    await unlink(join(shared, 'file.bin'));
    await waitFor(async () => (await shares(alice)).size === 0, { what: 'its end', everyMs: 200 });
    await alice.process.waitForLog(
      ({ msg }) => String(msg).includes('passwd is a symbolic link'),
      'the link to be refused',
    );
  });

  test('shares a growing file when it stops growing', async () => {
    await mkdir(shared);
    const alice = await swarm.startAgent('alice', ['--shared-dir', shared]);
    const path = join(shared, 'growing.bin');
    const endMs = Date.now() + 5000;
    let last = Date.now();
    let longestMs = 0;
    while (Date.now() < endMs) {
      await appendFile(path, Buffer.alloc(KIB, 1));
      longestMs = Math.max(longestMs, Date.now() - last);
      last = Date.now();
      const files = await shares(alice);
      // On a machine that stalled for this time, sharing it is correct.
      if (longestMs < 1500) expect([...files.keys()]).toEqual([]);
    }
    await untilListed(alice, 'the file', (files) => files.has('growing.bin'));
    const { size_bytes: total } = lastLine(await swarm.command(alice, ['status', 'growing.bin', '--json']));
    expect(total).toBe((await readFile(path)).length);
  });

  test('withdraws after a restart the entries removed in between', async () => {
    await mkdir(shared);
    const args = ['--shared-dir', shared];
    const alice = await swarm.startAgent('alice', args);
    await Promise.all(['gone', 'stays'].map((name) => writeRandomFile(join(shared, name), MIB)));
    const before = await untilListed(alice, 'both files', (files) => files.size === 2);
    await alice.process.kill();
    await unlink(join(shared, 'gone'));
    const again = await swarm.startAgent('alice', args);
    const after = await untilListed(again, 'one file', (files) => files.size === 1);
    expect(after.get('stays')).toBe(before.get('stays'));
  });

  test('follows links, and skips only unsupported names, if set so', async () => {
    await mkdir(join(shared, 'model'), { recursive: true });
    await writeRandomFile(join(shared, '../blob'), MIB);
    await symlink('../../blob', join(shared, 'model/weights'));
    await writeFile(join(shared, 'model/a\\b'), 'odd');
    const args = ['--shared-dir', shared, '--shared-links', 'anywhere', '--shared-unsupported', 'skip'];
    const alice = await swarm.startAgent('alice', args);
    await untilListed(alice, 'the model', (files) => files.has('model'));
    const status = lastLine(await swarm.command(alice, ['status', 'model', '--json']));
    expect(status).toMatchObject({ size_bytes: MIB, file_count: 1 });
  });

  test('that contains the agent’s own data is refused', async () => {
    const agent = swarm.run(['agent', '--data-dir', join(shared, 'data'), '--shared-dir', shared]);
    expect(await agent.wait()).toBe(1);
    expect(agent.stderr.join()).toMatch(/with the agent's key, is in the shared folder/);
  });

  /** What the agent itself shares. */
  async function shares(agent: SwarmAgent): Promise<Map<string, string>> {
    const lines = allLines(await swarm.command(agent, ['ls', '--json']));
    return new Map(lines.map(({ name, infohash }) => [String(name), String(infohash)]));
  }
});
