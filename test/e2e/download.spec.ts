import { chmod, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { hashFile, hashTree, writeRandomFile } from '@enjambre/harness/content';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { lastLine } from './support/outcome.js';
import { hasCopy, KIB, MIB, shareFile, untilStatus, type SharedFile } from './support/sharing.js';

jest.setTimeout(90_000);

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let bob: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  [alice, bob] = await Promise.all([swarm.startAgent('alice'), swarm.startAgent('bob')]);
});

afterAll(() => swarm.stop());

describe('a download from one seeder', () => {
  test('delivers the same bytes, and its last line names the sources', async () => {
    const bytes = 24 * MIB + 12_345;
    const file = await shareFile(swarm, [alice], { name: 'model.bin', bytes });
    const done = lastLine(await swarm.command(bob, ['get', file.infohash, '--json']));

    const path = join(bob.downloadDir, 'model.bin');
    expect(await hashFile(path)).toBe(file.sha256);
    expect(Object.keys(done)).toEqual([
      'type',
      'infohash',
      'name',
      'path',
      'size_bytes',
      'active_seconds',
      'sources',
    ]);
    expect(done).toMatchObject({
      type: 'done',
      infohash: file.infohash,
      name: 'model.bin',
      path,
      size_bytes: bytes,
    });
    expect(done['sources']).toEqual([expect.objectContaining({ name: 'alice', downloaded_bytes: bytes })]);
    expect(done['active_seconds']).toBeGreaterThan(0);
    expect(await readdir(bob.downloadDir)).not.toContain('.incomplete');
  });

  test('requested again transfers nothing and succeeds', async () => {
    const before = await stat(join(bob.downloadDir, 'model.bin'));
    const result = await swarm.command(bob, ['get', 'model.bin']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toContain(`already complete  ${join(bob.downloadDir, 'model.bin')}`);
    expect((await stat(join(bob.downloadDir, 'model.bin'))).mtimeMs).toBe(before.mtimeMs);
  });

  test('prints path and sources in lines of text', async () => {
    const file = await shareFile(swarm, [alice], { name: 'told.bin', bytes: 3 * MIB });
    const result = await swarm.command(bob, ['get', 'told.bin']);
    expect(result.code).toBe(0);
    expect(result.stdout).toMatch(
      new RegExp(`^done {2}${join(bob.downloadDir, 'told.bin')} {2}3\\.15 MB in `, 'm'),
    );
    expect(result.stdout).toMatch(/^alice +[0-9a-f]{8} +3\.15 MB +100%$/m);
    expect(await hasCopy(bob, file)).toBe(true);
  });

  test.each([1, 16 * KIB + 1, 256 * KIB, 256 * KIB + 1])('of %d bytes is complete', async (bytes) => {
    const file = await shareFile(swarm, [alice], { name: `size-${bytes}.bin`, bytes });
    expect(lastLine(await swarm.command(bob, ['get', file.infohash, '--json']))).toMatchObject({
      type: 'done',
      size_bytes: bytes,
    });
    expect((await stat(join(bob.downloadDir, file.name))).size).toBe(bytes);
    expect(await hasCopy(bob, file)).toBe(true);
  });
});

describe('a download can be named by', () => {
  test.each<[string, (file: SharedFile) => string]>([
    ['its name', ({ name }) => name],
    ['its infohash in capitals', ({ infohash }) => infohash.toUpperCase()],
    ['the first 8 digits of it', ({ infohash }) => infohash.slice(0, 8)],
    ['its magnet link', ({ magnet }) => magnet],
  ])('%s', async (how, refOf) => {
    const file = await shareFile(swarm, [alice], { name: `${how}.bin`, bytes: 300 * KIB });
    expect(file.magnet).toContain(`magnet:?xt=urn:btmh:1220${file.infohash}`);
    const done = lastLine(await swarm.command(bob, ['get', refOf(file), '--json']));
    expect(done).toMatchObject({ infohash: file.infohash, path: join(bob.downloadDir, file.name) });
    expect(await hasCopy(bob, file)).toBe(true);
  });

  test('a .torrent file that `share --torrent` wrote', async () => {
    const path = join(swarm.root, 'originals', 'by-torrent.bin');
    const sha256 = await writeRandomFile(path, 300 * KIB);
    const shared = lastLine(await swarm.command(alice, ['share', path, '--torrent', 'it.torrent', '--json']));
    expect(shared).toMatchObject({ type: 'shared', torrents: [join(swarm.root, 'it.torrent')] });

    const done = lastLine(await swarm.command(bob, ['get', './it.torrent', '--json']));
    expect(done).toMatchObject({ infohash: shared['infohash'], size_bytes: 300 * KIB });
    expect(await hashFile(join(bob.downloadDir, 'by-torrent.bin'))).toBe(sha256);
  });

  test('the name it was shared under', async () => {
    const path = join(swarm.root, 'originals', 'build-4711.bin');
    const sha256 = await writeRandomFile(path, 300 * KIB);
    await swarm.command(alice, ['share', path, '--name', 'años luz.bin']);
    lastLine(await swarm.command(bob, ['get', 'años luz.bin', '--json']));
    expect(await hashFile(join(bob.downloadDir, 'años luz.bin'))).toBe(sha256);
  });
});

describe('target and mode', () => {
  test('programs in a folder are executable after the download', async () => {
    const folder = join(swarm.root, 'originals', 'release');
    const sha256 = await writeRandomFile(join(folder, 'bin', 'tool'), 1000);
    await writeRandomFile(join(folder, 'notes'), 1000);
    await chmod(join(folder, 'bin', 'tool'), 0o755);
    await swarm.command(alice, ['share', folder]);
    lastLine(await swarm.command(bob, ['get', 'release', '--json']));
    const copy = join(bob.downloadDir, 'release');
    expect(await hashFile(join(copy, 'bin', 'tool'))).toBe(sha256);
    expect((await stat(join(copy, 'bin', 'tool'))).mode & 0o777).toBe(0o755);
    expect((await stat(join(copy, 'notes'))).mode & 0o777).toBe(0o644);
  });

  test('agents that download into one folder do not interfere', async () => {
    const file = await shareFile(swarm, [alice], { name: 'common.bin', bytes: 64 * MIB });
    const folder = join(swarm.root, 'common');
    const carol = await swarm.startAgent('carol');
    const results = await Promise.all(
      [bob, carol].map((agent) => swarm.command(agent, ['get', file.infohash, '--output', folder, '--json'])),
    );
    for (const result of results) lastLine(result);
    expect(await readdir(folder)).toEqual(['common.bin']);
    expect(await hashFile(join(folder, 'common.bin'))).toBe(file.sha256);
    const states = await Promise.all([bob, carol].map((agent) => swarm.command(agent, ['ls', '--json'])));
    for (const { json } of states) {
      expect(json.find(({ name }) => name === 'common.bin')).toMatchObject({ state: 'seeding' });
    }
  });

  test('--output puts it in another folder, relative to where the command runs', async () => {
    const file = await shareFile(swarm, [alice], { name: 'elsewhere.bin', bytes: 2 * MIB });
    const result = await swarm.command(bob, ['get', 'elsewhere.bin', '--output', 'some/where', '--json']);
    const path = join(swarm.root, 'some', 'where', 'elsewhere.bin');
    expect(lastLine(result)).toMatchObject({ path });
    expect(await hashFile(path)).toBe(file.sha256);
    expect(await readdir(bob.downloadDir)).not.toContain('elsewhere.bin');
  });

  test('--detach returns at once, and `status` shows the progress to the end', async () => {
    const file = await shareFile(swarm, [alice], { name: 'detached.bin', bytes: 16 * MIB });
    const line = lastLine(await swarm.command(bob, ['get', 'detached.bin', '--detach', '--json']));
    expect(line).toMatchObject({ type: 'transfer', infohash: file.infohash, size_bytes: file.bytes });
    const status = await untilStatus(swarm, bob, {
      ref: file.infohash.slice(0, 10),
      is: ({ state }) => state === 'seeding',
      what: 'the detached download to be complete',
    });
    expect(status).toMatchObject({ done_bytes: file.bytes, path: join(bob.downloadDir, 'detached.bin') });
    expect(await hasCopy(bob, file)).toBe(true);
  });

  test('two concurrent `get` of the same file both end with the complete file', async () => {
    const file = await shareFile(swarm, [alice], { name: 'twice.bin', bytes: 16 * MIB });
    const gets = [1, 2].map(() => swarm.start(bob, ['get', 'twice.bin', '--json']));
    for (const get of gets)
      expect(lastLine(await finish(get))).toMatchObject({ type: 'done', size_bytes: file.bytes });
    expect(await hasCopy(bob, file)).toBe(true);
  });
});

describe('a folder', () => {
  test('of 500 files, with empty ones and nested folders, arrives unchanged', async () => {
    const folder = join(swarm.root, 'originals', 'dataset');
    await makeFolder(folder, 500);
    const shared = lastLine(await swarm.command(alice, ['share', folder, '--json']));
    const done = lastLine(await swarm.command(bob, ['get', 'dataset', '--json']));

    expect(done).toMatchObject({ infohash: shared['infohash'], size_bytes: shared['size_bytes'] });
    const copy = await hashTree(join(bob.downloadDir, 'dataset'));
    expect(Object.keys(copy)).toHaveLength(500);
    expect(copy).toEqual(await hashTree(folder));
    const status = lastLine(await swarm.command(bob, ['status', 'dataset', '--json']));
    expect(status).toMatchObject({ file_count: 500, wasted_bytes: 0 });
  });
});

/** Files of various sizes: empty, around a block, several pieces. */
async function makeFolder(folder: string, count: number): Promise<void> {
  const sizes = [0, 1, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, 50_000];
  for (let index = 0; index < count - 3; index++) {
    const path = join(folder, `part ${index % 7}`, `ñ${index % 3}`, `file-${index}.dat`);
    await writeRandomFile(path, sizes[index % sizes.length] ?? 0);
  }
  await writeRandomFile(join(folder, 'large.bin'), 3 * MIB + 1);
  await mkdir(join(folder, 'a', 'b', 'c', 'd'), { recursive: true });
  await writeFile(join(folder, 'a', 'b', 'c', 'd', 'empty'), '');
  await writeFile(join(folder, '.hidden'), 'seen');
}
