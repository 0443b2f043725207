import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { ENJAMBRE, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';

jest.setTimeout(60_000);

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

let swarm: ProcessSwarm;
let alice: SwarmAgent;
/** Names the agent that is asked if the line names none. */
let dataDir: string | undefined;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  alice = await swarm.startAgent('alice');
  ({ dataDir } = alice);
  for (const name of ['model.bin', 'my model.bin']) {
    const path = join(swarm.root, name);
    await writeRandomFile(path, 1000);
    expect((await swarm.command(alice, ['share', path])).code).toBe(0);
  }
});

afterAll(() => swarm.stop());

/** What bash offers for the last of `words`, with our script. */
async function inBash(...words: readonly string[]): Promise<string[]> {
  const script = [
    'enjambre() { :; }',
    'command() { shift; "$NODE" "$ENJAMBRE_COMMAND" "$@"; }',
    'source /dev/stdin <<< "$SCRIPT"',
    'COMP_WORDS=(enjambre "$@"); COMP_CWORD=$#; _enjambre',
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join('\n');
  const { stdout: completion } = await run(process.execPath, [ENJAMBRE, 'completion', 'bash']);
  const env = {
    ...process.env,
    NODE: process.execPath,
    ENJAMBRE_COMMAND: ENJAMBRE,
    ENJAMBRE_DATA_DIR: dataDir,
    SCRIPT: completion,
  };
  const { stdout, stderr } = await run('bash', ['-c', script, 'bash', ...words], { env, cwd: swarm.root });
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion in bash', () => {
  test('offers commands and flags', async () => {
    expect(await inBash('pa')).toEqual(['pause']);
    expect(await inBash('get', '--ou')).toEqual(['--output']);
    expect(await inBash('agent', '--shared-d')).toEqual(['--shared-dir']);
    expect(await inBash('--json', 'rooms', 'j')).toEqual(['join']);
    expect(await inBash('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  test('offers transfers, names and peers of the running agent, quoted', async () => {
    expect(await inBash('status', 'm')).toEqual(['model.bin', 'my\\ model.bin']);
    expect(await inBash('status', 'model.bin', 'my')).toEqual(['my\\ model.bin']);
    expect(await inBash('get', 'mod')).toContain('model.bin');
    expect(await inBash('send', 'al')).toEqual(['alice']);
  });

  test('asks the agent of the line that is being typed', async () => {
    const bob = await swarm.startAgent('bob');
    const path = join(swarm.root, 'of-bob.bin');
    await writeRandomFile(path, 1000);
    expect((await swarm.command(bob, ['share', path])).code).toBe(0);
    const config = join(swarm.root, 'config.yaml');
    await swarm.enjambre(['config', 'set-context', 'bob', '--data-dir', bob.dataDir, '--config', config]);
    const socket = ['unix', ':', `${bob.dataDir}/agent.sock`];
    const his = ['of-bob.bin'];
    expect(await inBash('--data-dir', bob.dataDir, 'status', '')).toEqual(his);
    expect(await inBash('status', '--data-dir', '=', bob.dataDir, '')).toEqual(his);
    expect(await inBash('--agent', ...socket, 'status', '')).toEqual(his);
    expect(await inBash('pause', '--agent', '=', ...socket, 'of')).toEqual(his);
    dataDir = undefined; // The variable wins over a context.
    expect(await inBash('--config', config, '--context', 'bob', 'status', '')).toEqual(his);
    expect(await inBash('--config', config, '--context', '')).toEqual(['bob']);
    expect(await inBash('--config', config, '--context', 'none', 'status', '')).toEqual([]);
    expect(await inBash('--config', config, '--context', 'none', 'pau')).toEqual(['pause']);
    ({ dataDir } = alice);
  });

  test('leaves files and folders to the shell', async () => {
    expect(await inBash('share', 'mod')).toEqual(['model.bin']);
    expect(await inBash('get', 'x', '--output', 'alice')).toEqual(expect.arrayContaining(['alice']));
    expect(await inBash('ls', 'x')).toEqual([]);
  });

  test('offers nothing, at once, if no agent answers', async () => {
    const { stdout } = await run(process.execPath, [ENJAMBRE, '__complete', '--', 'status', ''], {
      env: { ...process.env, ENJAMBRE_DATA_DIR: join(swarm.root, 'none') },
    });
    expect(stdout).toBe(':none\n');
  });
});

test.each(['zsh', 'fish'])('there is a script for %s, which asks the same command', async (shell) => {
  const { stdout } = await run(process.execPath, [ENJAMBRE, 'completion', shell]);
  expect(stdout).toContain('__complete --');
});

test('each command has a man page, made from its help', async () => {
  const folder = join(swarm.root, 'man');
  await run(process.execPath, [join(ROOT, 'tools/man-pages.mjs'), folder]);
  const pages = await readdir(join(folder, 'man1'));
  const { stdout } = await run(process.execPath, [ENJAMBRE, '__complete', '--', '']);
  const commands = stdout.split('\n').filter((line) => line !== '' && !line.startsWith(':'));
  expect(pages.sort()).toEqual(['enjambre.1', ...commands.map((name) => `enjambre-${name}.1`)].sort());
  const get = await readFile(join(folder, 'man1', 'enjambre-get.1'), 'utf8');
  expect(get).toContain('\\fBenjambre get\\fR [OPTIONS]');
  expect(get).toContain('\\-\\-output <DIR>');
  const agent = await readFile(join(folder, 'man1', 'enjambre-agent.1'), 'utf8');
  expect(agent).toContain('ENJAMBRE_AGENT_SHARED_DIR');
});
