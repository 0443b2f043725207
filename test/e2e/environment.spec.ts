import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm, type CommandResult, type RunOptions } from '@enjambre/harness/swarm';
import { expectRefused } from './support/outcome.js';

jest.setTimeout(90_000);

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(() => swarm.stop());

/** Runs as a user unknown to the system, which requires root. */
const isRoot = process.getuid?.() === 0;
const testAsRoot = isRoot ? test : test.skip;
if (!isRoot) process.stderr.write('\nSKIPPED: a user unknown to the system: requires root\n\n');
const STRANGER = ['setpriv', '--reuid', '54321', '--regid', '54321', '--clear-groups'];
const NO_HOME = /^enjambre: there is no home folder: .*: set a folder with --data-dir$/;

const run = (args: readonly string[], options: RunOptions): Promise<CommandResult> =>
  finish(swarm.run(args, options));

describe('without a home folder', () => {
  testAsRoot('only commands that need one fail, with one sentence', async () => {
    const options = { through: STRANGER, env: { HOME: undefined, XDG_DATA_HOME: undefined } };
    for (const args of [['--help'], ['agent', '--help'], ['dev', '--help'], ['tracker', '--help']])
      expect(await run(args, { ...options, cwd: '/' })).toMatchObject({ code: 0, stderr: '' });
    for (const args of [['agent'], ['ls'], ['dev']])
      expectRefused(await run(args, { ...options, cwd: '/' }), 1, NO_HOME);
    expectRefused(
      await run(['ls', '--agent', 'unix:/nowhere.sock'], { ...options, cwd: '/' }),
      4,
      /no agent/,
    );
  });

  testAsRoot('an agent with a data folder runs', async () => {
    await swarm.startTracker();
    const options = { env: { HOME: undefined, XDG_DATA_HOME: undefined }, through: ['env', '-u', 'HOME'] };
    await swarm.startAgent('alice', [], options);
  });

  test('nothing is created relative to the working folder', async () => {
    const folder = join(swarm.root, 'here');
    await mkdir(folder);
    const options = { cwd: folder, env: { HOME: 'x', XDG_DATA_HOME: 'relative' } };
    expectRefused(
      await run(['agent'], options),
      2,
      /^enjambre: HOME is "x", which is not an absolute path: /,
    );
    expectRefused(await run(['ls'], options), 2, /^enjambre: HOME is "x", which is not an absolute path: /);
    expectRefused(await run(['agent', '--data-dir', '~/d'], options), 2, /--data-dir: HOME is "x"/);
    expectRefused(await run(['ls', '--data-dir', '~/d'], options), 2, /HOME is "x"/);
    expect(await readdir(folder)).toEqual([]);
  });

  test('an empty HOME counts as unset: the system has the home folder', async () => {
    const folder = join(swarm.root, 'here');
    await mkdir(folder);
    const { code, stderr } = await run(['ls'], { cwd: folder, env: { HOME: '', XDG_DATA_HOME: '' } });
    expect({ code, stderr }).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/ unix:\/.*agent\.sock/),
    });
    expect(await readdir(folder)).toEqual([]);
  });
});

test('a removed working folder matters only for relative paths', async () => {
  await swarm.startTracker();
  const alice = await swarm.startAgent('alice');
  const folder = join(swarm.root, 'gone');
  await mkdir(folder);
  const inside = (args: readonly string[]): Promise<CommandResult> =>
    run([...args], {
      through: ['sh', '-c', `mkdir -p "${folder}"; cd "${folder}" && rmdir "${folder}" && exec "$@"`, 'sh'],
    });
  const at = ['--agent', `unix:${alice.dataDir}/agent.sock`];
  expect(await inside(['--help'])).toMatchObject({ code: 0, stderr: '' });
  expect(await inside(['ls', '-q', ...at])).toMatchObject({ code: 0, stderr: '' });
  expect(await inside(['ls', '-q', '--data-dir', alice.dataDir])).toMatchObject({ code: 0, stderr: '' });
  const absent = 'f'.repeat(64);
  expectRefused(await inside(['status', absent, ...at]), 3, /f{8}/);
  const refusal =
    /^enjambre: (--data-dir: )?the working folder was removed: change to an existing folder, or use absolute paths$/;
  expectRefused(await inside(['share', 'x', ...at]), 1, refusal);
  expectRefused(await inside(['status', 'x.torrent', ...at]), 1, refusal);
  expectRefused(await inside(['agent', '--data-dir', 'x']), 2, refusal);
});

test('an empty path is refused, from flag or variable', async () => {
  expectRefused(await run(['ls', '--data-dir', ''], {}), 2, /--data-dir: a path is missing/);
  expectRefused(await run(['agent', '--data-dir', ''], {}), 2, /--data-dir: a path is missing/);
});
