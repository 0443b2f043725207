import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { expectRefused } from './support/outcome.js';
import { KIB, shareFile } from './support/sharing.js';

jest.setTimeout(90_000);

let swarm: ProcessSwarm;
let alice: SwarmAgent;
let bob: SwarmAgent;
let shared: string;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  shared = join(swarm.root, 'shared');
  await mkdir(shared);
  await swarm.startTracker();
  [alice, bob] = await Promise.all([
    swarm.startAgent('alice', ['--shared-dir', shared]),
    swarm.startAgent('bob', ['--follow-interval', '1s']),
  ]);
});

afterAll(() => swarm.stop());

/** The text of a file that a command writes; undefined until it is there. */
const textOf = (path: string): Promise<string | undefined> => readFile(path, 'utf8').catch(() => undefined);

describe('get --exec', () => {
  test('gives a command the file in variables: a name from the network is never part of its text', async () => {
    const name = `$(touch pwned) \`touch pwned\` '"; touch pwned; #.bin`;
    const { infohash } = await shareFile(swarm, [alice], { name, bytes: 3 * KIB });
    const command = 'env | grep ^ENJAMBRE_FILE_ | sort; cksum < "$ENJAMBRE_FILE_PATH" > /dev/null';
    const result = await swarm.command(bob, ['get', infohash, '--name', name, '--exec', command, '-q']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const path = join(bob.downloadDir, name);
    expect(result.stdout.split('\n')).toEqual([
      path,
      `ENJAMBRE_FILE_INFOHASH=${infohash}`,
      `ENJAMBRE_FILE_NAME=${name}`,
      `ENJAMBRE_FILE_PATH=${path}`,
      'ENJAMBRE_FILE_PUBLISHER=alice',
      expect.stringMatching(/^ENJAMBRE_FILE_PUBLISHER_ID=[0-9a-f]{64}$/),
      `ENJAMBRE_FILE_SIZE_BYTES=${String(3 * KIB)}`,
      'ENJAMBRE_FILE_VERSION=1',
    ]);
    expect(await readdir(swarm.root)).not.toContain('pwned');
  });

  test('tells a part of a folder from the whole, and passes on no variables of another file', async () => {
    const folder = join(swarm.root, 'set');
    await mkdir(folder);
    await writeFile(join(folder, 'a.txt'), 'a'.repeat(10));
    await writeFile(join(folder, 'b.txt'), 'b'.repeat(90));
    await swarm.command(alice, ['share', folder]);
    const variables = async (...args: string[]): Promise<string[]> => {
      const get = ['get', 'set', ...args, '--exec', 'env | grep ^ENJAMBRE_FILE_ | sort', '-q'];
      const env = { ENJAMBRE_FILE_SELECTED_BYTES: '1', ENJAMBRE_FILE_LISTS: '1' };
      const result = await swarm.enjambre([...get, '--agent', `unix:${bob.dataDir}/agent.sock`], { env });
      expect(result).toMatchObject({ code: 0, stderr: '' });
      return result.stdout.split('\n').filter((line) => line.includes('_BYTES') || line.includes('LISTS'));
    };
    const size = 'ENJAMBRE_FILE_SIZE_BYTES=100';
    expect(await variables('--select', 'a.txt')).toEqual(['ENJAMBRE_FILE_SELECTED_BYTES=10', size]);
    await swarm.command(bob, ['rm', 'set', '--data']);
    expect(await variables()).toEqual([size]);
  });

  test('runs for one file at a time, also if it was complete, and prints beside the objects of --json', async () => {
    const files = await Promise.all(
      ['a.bin', 'b.bin'].map((name) => shareFile(swarm, [alice], { name, bytes: KIB })),
    );
    const refs = files.map(({ infohash }) => infohash);
    await swarm.command(bob, ['get', ...refs]);
    const command = 'echo begin; sleep 0.2; echo end';
    const result = await swarm.command(bob, ['get', ...refs, '--json', '--exec', command]);
    expect(result.json.map(({ type }) => type)).toEqual(['done', 'done']);
    expect(result.stdout.split('\n')).toHaveLength(2);
    expect(result.stderr).toBe('begin\nend\nbegin\nend');
  });

  test('fails with exit code 1 if the command fails; the file stays', async () => {
    const { name } = await shareFile(swarm, [alice], { name: 'fails.bin', bytes: KIB });
    const failed = await swarm.command(bob, ['get', name, '-q', '--exec', 'exit 7']);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toBe(
      'enjambre: fails.bin is complete, but the command of --exec failed with exit code 7',
    );
    const json = await swarm.command(bob, ['get', name, '--json', '--exec', 'kill -9 $$']);
    expect(json.json.at(-1)).toMatchObject({
      type: 'error',
      reason: 'EXEC_FAILED',
      message: expect.stringContaining('was ended by SIGKILL'),
      exit_code: 1,
    });
    await access(join(bob.downloadDir, name));
  });

  test('is refused with --detach', async () => {
    const args = ['get', 'any.bin', '--detach', '--exec', 'true'];
    expectRefused(await swarm.command(bob, args), 2, /--exec .* --detach/);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends all of the command at %s', async (signal, code) => {
    const { name } = await shareFile(swarm, [alice], { name: `${signal}.bin`, bytes: KIB });
    const pidFile = join(swarm.root, `${signal}.pid`);
    const command = `sleep 60 & echo $! > ${pidFile}; wait; sleep 60`;
    const get = swarm.start(bob, ['get', name, '--exec', command]);
    const pid = Number(
      await waitFor(() => textOf(pidFile), { what: 'the command to run', timeoutMs: 20_000 }),
    );
    get.signal(signal);
    expect((await finish(get)).code).toBe(code);
    await waitFor(() => hasEnded(pid), { what: 'the end of what the command started', timeoutMs: 10_000 });
  });

  test('with --follow runs for each version, and continues after a failure', async () => {
    const log = join(swarm.root, 'versions');
    const command = `echo "$ENJAMBRE_FILE_VERSION $ENJAMBRE_FILE_PUBLISHER" >> ${log}; test $ENJAMBRE_FILE_VERSION != 2`;
    await publish('one');
    await waitFor(async () => (await swarm.command(bob, ['files', 'w.bin', '--json'])).json.length === 1, {
      what: 'version 1',
      timeoutMs: 20_000,
      everyMs: 200,
    });
    const get = swarm.start(bob, ['get', 'w.bin', '--follow', '--exec', command]);
    const ran = (lines: string): Promise<unknown> =>
      waitFor(async () => (await textOf(log)) === lines, {
        what: `the command for ${lines}`,
        timeoutMs: 30_000,
        seen: () => get.stderr.join('\n'),
      });
    await ran('1 alice\n');
    await publish('two');
    await ran('1 alice\n2 alice\n');
    await publish('three');
    await ran('1 alice\n2 alice\n3 alice\n');
    expect(await textOf(join(bob.downloadDir, 'w.bin'))).toBe('three');

    await swarm.command(bob, ['rm', 'w.bin']);
    const ended = await finish(get);
    expect(ended.stderr).toContain('is no longer followed');
    expect(ended.stderr).toContain('w.bin is complete, but the command of --exec failed with exit code 1');
    expect(ended.code).toBe(1);
  });

  test('with --follow continues after a version that cannot be downloaded', async () => {
    const log = join(swarm.root, 'after-failure');
    const carol = await swarm.startAgent('carol', ['--follow-interval', '1s', '--max-download', '64KiB']);
    await publish('four');
    await waitFor(
      async () => (await swarm.command(carol, ['get', 'w.bin', '--publisher', 'alice', '-q'])).code === 0,
      { what: 'version 4', timeoutMs: 20_000, everyMs: 200 },
    );
    const command = `wc -c < "$ENJAMBRE_FILE_PATH" >> ${log}`;
    const get = swarm.start(carol, ['get', 'w.bin', '--follow', '--exec', command]);
    const seen = (): string => get.stderr.join('\n');
    const ran = (text: string): Promise<unknown> =>
      waitFor(async () => (await textOf(log)) === text, { what: text, timeoutMs: 30_000, seen });
    await ran('4\n');
    await publish('5'.repeat(2048 * KIB));
    const next = await waitFor(
      async () =>
        (await swarm.command(carol, ['ls', '--json'])).json.find(({ state }) => state === 'downloading'),
      { what: 'the next version', timeoutMs: 30_000, everyMs: 200 },
    );
    await swarm.command(carol, ['pause', String(next.infohash)]);
    await waitFor(() => seen().includes('stays in place'), { what: 'the failure', timeoutMs: 30_000, seen });
    expect(seen()).toMatch(/^enjambre: w\.bin was paused: .*; version \d+ stays in place$/m);
    await swarm.command(carol, ['limit', '--max-download', 'none']);
    await swarm.command(carol, ['resume', String(next.infohash)]);
    await ran(`4\n${String(2048 * KIB)}\n`);
    await publish('six');
    await ran(`4\n${String(2048 * KIB)}\n3\n`);
    await swarm.command(carol, ['rm', 'w.bin']);
    expect(await finish(get)).toMatchObject({ code: 1 });
  });
});

async function publish(text: string): Promise<void> {
  const path = join(swarm.root, 'next');
  await writeFile(path, text);
  await rename(path, join(shared, 'w.bin'));
}

/** True if there is no such process, or only its exit code is left. */
async function hasEnded(pid: number): Promise<boolean> {
  const stat = await textOf(`/proc/${String(pid)}/stat`);
  return stat === undefined || / [ZX] /.test(stat);
}
