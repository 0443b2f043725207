import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { hashTree, writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type CommandResult, type SwarmAgent } from '@enjambre/harness/swarm';
import { lastLine } from './support/outcome.js';
import { KIB, MIB, statusOf, untilDone } from './support/sharing.js';

jest.setTimeout(120_000);

const SIZES: Readonly<Record<string, number>> = {
  'a.bin': 3 * MIB + 1,
  'readme.txt': 20,
  'sub/b.bin': 8 * MIB,
  'sub/c.bin': 8 * MIB + 5,
  'sub/deep/d.bin': 2 * MIB,
  'sub/e.log': 300 * KIB,
  'sub/empty.bin': 0,
};
const WHOLE = Object.values(SIZES).reduce((sum, size) => sum + size, 0);
const PART = (SIZES['sub/b.bin'] ?? 0) + (SIZES['sub/c.bin'] ?? 0);

let swarm: ProcessSwarm;
let seeder: SwarmAgent;
let one: SwarmAgent;
let two: SwarmAgent;
let originals: Record<string, string>;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  [seeder, one, two] = await Promise.all([
    swarm.startAgent('seeder'),
    swarm.startAgent('one'),
    swarm.startAgent('two'),
  ]);
  const folder = join(swarm.root, 'set');
  for (const [path, bytes] of Object.entries(SIZES)) await writeRandomFile(join(folder, path), bytes);
  originals = await hashTree(folder);
  await swarm.command(seeder, ['share', folder, '--piece-length', '64KiB']);
});

afterAll(() => swarm.stop());

const filesOf = (agent: SwarmAgent): Promise<Record<string, string>> =>
  hashTree(join(agent.downloadDir, 'set'));

/** The originals at these paths, with their hashes. */
const only = (...paths: string[]): Record<string, string | undefined> =>
  Object.fromEntries(paths.map((path) => [path, originals[path]]));

const get = (agent: SwarmAgent, ...args: string[]): Promise<CommandResult> =>
  swarm.command(agent, ['get', 'set', ...args, '--json']);

describe('part of a folder', () => {
  test('that has no file is refused with some paths, and nothing is written', async () => {
    const refused = await swarm.command(two, ['get', 'set', '--select', '*.nope']);
    expect(refused).toMatchObject({ code: 3, stdout: '' });
    expect(refused.stderr).toMatch(
      /no file matches "\*\.nope" in "set", which has "a\.bin", .* and 2 more: choose others with --select$/,
    );
    expect((await swarm.command(two, ['ls', '--json'])).json).toEqual([]);
    await expect(access(join(two.downloadDir, 'set'))).rejects.toThrow('ENOENT');
    await expect(access(join(two.downloadDir, '.incomplete'))).rejects.toThrow('ENOENT');
  });

  test('is chosen from the paths in it, without a download', async () => {
    const all = await swarm.command(two, ['get', 'set', '--show-files']);
    expect(all.stdout.split('\n').map((line) => line.replace(/^ *\S+ \S+ {2}/, ''))).toEqual(
      Object.keys(SIZES),
    );
    expect(all.stderr).toBe('set: 22.3 MB, 7 files');
    const { json } = await get(two, '--show-files', '--select', 'sub/*.bin');
    expect(json).toEqual([
      expect.objectContaining({
        type: 'content',
        file_count: 7,
        selected_file_count: 3,
        selected_bytes: PART,
      }),
      ...['sub/b.bin', 'sub/c.bin', 'sub/empty.bin'].map((path) => expect.objectContaining({ path })),
    ]);
    const flags = ['-o', swarm.root, '--exec', 'true', '--detach', '--seed-ratio', '1'];
    const wrong = await swarm.command(two, ['get', 'set', '--show-files', ...flags]);
    expect(wrong).toMatchObject({ code: 2, stdout: '' });
    expect(wrong.stderr).toContain(
      '--show-files downloads nothing: leave out --output, --detach, --exec, --seed-ratio',
    );
    expect((await swarm.command(two, ['ls', '--json'])).json).toEqual([]);
  });

  test('survives kill -9, fetches and writes only its files, and is complete with them', async () => {
    const slow = swarm.start(one, ['get', 'set', '--select', 'sub/*.bin', '--max-download', '2MB', '--json']);
    const before = await untilDone(slow, MIB);
    await one.process.kill();
    await slow.stop();
    one = await swarm.startAgent('one');
    const resumed = await statusOf(swarm, one, 'set');
    expect(resumed).toMatchObject({ select: ['sub/*.bin'], selected_bytes: PART, size_bytes: WHOLE });

    const done = await get(one, '--select', 'sub/*.bin', '--max-download', 'none');
    expect(lastLine(done)).toMatchObject({ type: 'done', size_bytes: WHOLE, selected_bytes: PART });
    expect(await filesOf(one)).toEqual(only('sub/b.bin', 'sub/c.bin', 'sub/empty.bin'));
    const status = await statusOf(swarm, one, 'set');
    expect(status).toMatchObject({
      state: 'seeding',
      done_bytes: PART,
      selected_bytes: PART,
      selected_file_count: 3,
    });
    // What was on disk at the kill was not fetched again; blocks in flight may have been.
    expect(status.downloaded_bytes).toBeLessThan(PART + before);
  });

  test('is complete already if it is requested again, and its agent is no seeder', async () => {
    expect((await swarm.command(one, ['get', 'set', '--select', 'sub/*.bin'])).stdout).toMatch(
      /^already complete {2}.*\/set {2}16\.8 MB of 22\.\d MB$/,
    );
    const peers = (await swarm.command(one, ['peers', 'set', '--json'])).json;
    expect(peers).toContainEqual(
      expect.objectContaining({ name: 'one', seeder: false, left_bytes: WHOLE - PART }),
    );
    const [file] = (await swarm.command(one, ['files', 'set', '--json'])).json;
    expect(file).toMatchObject({ seeder_count: 1 });
    expect((await swarm.command(one, ['doctor'])).code).toBe(0);
    expect((await swarm.command(one, ['verify', 'set', '--wait'])).stdout).toMatch(
      /^set is complete: 257 of 257/m,
    );
  });

  test('grows while it is not complete, also after kill -9', async () => {
    const slow = ['get', 'set', '--select', 'a.bin', '--max-download', '500kB', '--json'];
    const first = swarm.start(two, slow);
    await untilDone(first, 256 * KIB);
    expect(lastLine(await get(two, '--select', '*.txt', '--detach'))).toMatchObject({ type: 'transfer' });
    await two.process.kill();
    await first.stop();
    two = await swarm.startAgent('two');
    const bytes = (SIZES['a.bin'] ?? 0) + (SIZES['readme.txt'] ?? 0);
    const grown = { select: ['a.bin', '*.txt'], selected_bytes: bytes };
    expect(await statusOf(swarm, two, 'set')).toMatchObject(grown);
    const done = await get(two, '--select', '**/*.log', '--max-download', 'none');
    expect(lastLine(done)).toMatchObject({ type: 'done' });
    expect(await filesOf(two)).toEqual(only('a.bin', 'readme.txt', 'sub/e.log'));
  });

  test('that is complete gets no more files in its folder, and none of the user is touched', async () => {
    const own = join(one.downloadDir, 'set', 'a.bin');
    await writeRandomFile(own, 100);
    const before = await readFile(own);
    for (const more of [['--select', 'a.bin'], ['--select', 'sub'], []]) {
      const refused = await swarm.command(one, ['get', 'set', ...more]);
      expect(refused).toMatchObject({ code: 1, stdout: '' });
      expect(refused.stderr).toMatch(
        /already has part of "set", and no file is added to it there: remove that part, .* another folder \(`enjambre rm \S+ --data` deletes its files, `enjambre rm \S+` keeps them\)$/,
      );
    }
    expect(await readFile(own)).toEqual(before);
    expect(await statusOf(swarm, one, 'set')).toMatchObject({ state: 'seeding', selected_bytes: PART });
  });

  test('is fetched with more into another folder once it is removed, and its files are kept', async () => {
    const elsewhere = join(swarm.root, 'elsewhere');
    expect((await swarm.command(one, ['rm', 'set'])).code).toBe(0);
    const done = await get(one, '--select', 'sub', '--select', 'readme.txt', '--output', elsewhere);
    expect(lastLine(done)).toMatchObject({ type: 'done' });
    const { 'a.bin': others, ...sub } = originals;
    expect(others).toBeDefined();
    expect(await hashTree(join(elsewhere, 'set'))).toEqual(sub);
    expect(await filesOf(one)).toMatchObject(only('sub/b.bin', 'sub/c.bin', 'sub/empty.bin'));
  });

  test('serves what it has: two parts are the whole for another agent, without a seeder', async () => {
    await seeder.process.stop();
    const three = await swarm.startAgent('three');
    expect(lastLine(await get(three))).toMatchObject({ type: 'done', size_bytes: WHOLE });
    expect(await filesOf(three)).toEqual(originals);
  });

  test('is replaced by the whole after rm --data', async () => {
    expect((await swarm.command(two, ['rm', 'set', '--data'])).code).toBe(0);
    expect(lastLine(await get(two))).toMatchObject({ type: 'done', size_bytes: WHOLE });
    expect(await filesOf(two)).toEqual(originals);
    expect(await statusOf(swarm, two, 'set')).not.toHaveProperty('select');
  });
});
