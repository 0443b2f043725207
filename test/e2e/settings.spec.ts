import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { hashFile, writeRandomFile } from '@enjambre/harness/content';
import { finish, ProcessSwarm } from '@enjambre/harness/swarm';
import { Terminal } from '@enjambre/harness/terminal';
import { waitFor } from '@enjambre/harness/wait-for';
import { allLines, expectRefused, lastLine } from './support/outcome.js';
import { MIB, shareFile } from './support/sharing.js';

jest.setTimeout(60_000);

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(() => swarm.stop());

describe('control over TCP', () => {
  test('requires the token in the data folder', async () => {
    await swarm.startTracker();
    const alice = await swarm.startAgent('alice', ['--control', '127.0.0.1:0']);
    const address = await alice.process.waitForLog(({ control }) => {
      const addresses = (control ?? []) as readonly string[];
      return addresses.find((text) => !text.startsWith('unix:'));
    }, 'the control address');
    const tokenFile = join(alice.dataDir, 'control.token');
    const token = (await readFile(tokenFile, 'utf8')).trim();
    expect((await stat(tokenFile)).mode & 0o777).toBe(0o600);

    const ls = ['ls', '--agent', address, '--data-dir', 'nowhere'];
    expectRefused(
      await swarm.enjambre(ls),
      1,
      /requires its token: pass --token-file, --token or ENJAMBRE_TOKEN/,
    );
    expectRefused(await swarm.enjambre([...ls, '--token', `${token}x`]), 1, /requires its token/);
    expectRefused(await swarm.enjambre([...ls, '--token', '']), 1, /requires its token/);
    const shared = await shareFile(swarm, [alice], { name: 'seen.bin', bytes: 1000 });
    const seen = [expect.objectContaining({ infohash: shared.infohash })];
    expect(allLines(await swarm.enjambre([...ls, '--token', token, '--json']))).toEqual(seen);
    expect(allLines(await swarm.enjambre([...ls, '--json'], { env: { ENJAMBRE_TOKEN: token } }))).toEqual(
      seen,
    );
    // With the agent's own data folder, no flag is needed.
    expect(
      allLines(await swarm.enjambre(['ls', '--agent', address, '--data-dir', alice.dataDir, '--json'])),
    ).toEqual(seen);
    // The socket still works without a token.
    expect(allLines(await swarm.command(alice, ['ls', '--json']))).toEqual(seen);
  });

  test('is off by default, and the socket can be moved', async () => {
    await swarm.startTracker();
    const alice = await swarm.startAgent('alice', ['--control', `unix:${join(swarm.root, 'else.sock')}`]);
    expect(
      allLines(await swarm.enjambre(['ls', '--agent', `unix:${join(swarm.root, 'else.sock')}`, '--json'])),
    ).toEqual([]);
    expect((await swarm.command(alice, ['ls'])).code).toBe(4);
    expect((await stat(join(swarm.root, 'else.sock'))).mode & 0o777).toBe(0o600);
  });
});

describe('every flag can also be set by an environment variable', () => {
  test('for an agent and its commands, and a flag takes precedence', async () => {
    await swarm.startTracker();
    const alice = await swarm.startAgent('alice');
    const file = await shareFile(swarm, [alice], { name: 'by-env.bin', bytes: MIB });
    const env = {
      ENJAMBRE_AGENT_NAME: 'from-environment',
      ENJAMBRE_DATA_DIR: 'env-data',
      ENJAMBRE_AGENT_DOWNLOAD_DIR: 'env-downloads',
      // The older form works for one more version.
      ENJAMBRE_LISTEN: '127.0.0.1:0',
      ENJAMBRE_TRACKER: swarm.trackerAddress,
      ENJAMBRE_AGENT_LABEL: 'zone=eu-1,node=n17',
      ENJAMBRE_LOG_FORMAT: 'json',
    };
    const agent = swarm.run(['agent', '--name', 'from-flag'], { env });
    const address = await agent.waitForLog(({ address: text }) => text, 'the agent to listen');
    const named = async (): Promise<boolean> => (await peers()).some(({ name }) => name === 'from-flag');
    await waitFor(named, { what: 'the agent to be connected', everyMs: 200 });
    expect((await peers()).find(({ name }) => name === 'from-flag')).toMatchObject({
      endpoint: address,
      labels: { zone: 'eu-1', node: 'n17' },
    });

    const { ENJAMBRE_DATA_DIR } = env;
    const done = lastLine(
      await swarm.enjambre(['get', 'by-env.bin', '--json'], { env: { ENJAMBRE_DATA_DIR } }),
    );
    expect(done).toMatchObject({ path: join(swarm.root, 'env-downloads', 'by-env.bin') });
    expect(await hashFile(String(done['path']))).toBe(file.sha256);
    const asked = { ENJAMBRE_AGENT: `unix:${join(swarm.root, 'env-data', 'agent.sock')}` };
    expect(allLines(await swarm.enjambre(['ls', '--json'], { env: asked }))).toHaveLength(1);
    expect(await agent.stop()).toBe(0);
    expect(agent.stderr.filter((line) => line.includes('deprecated'))).toEqual([
      'enjambre: ENJAMBRE_LISTEN is deprecated, and the next version ignores it: set ENJAMBRE_AGENT_LISTEN',
    ]);
  });

  test('or by the configuration file, below both; a context selects the agent of a command', async () => {
    await swarm.startTracker();
    const config = join(swarm.root, 'config.yaml');
    const lines = [
      'agent:',
      '  name: from-file',
      '  data-dir: file-data',
      '  listen: 127.0.0.1:0',
      `  tracker: ${swarm.trackerAddress}`,
      '  label: [zone=eu-1, node=n17]',
      '  log-format: json',
      'contexts:',
      `  here: { data-dir: ${join(swarm.root, 'file-data')} }`,
    ];
    await writeFile(config, lines.join('\n'));
    const agent = swarm.run(['agent', '--config', config], {
      env: { ENJAMBRE_AGENT_NAME: 'from-environment' },
    });
    await agent.waitForLog(({ address }) => address, 'the agent to listen');
    const named = async (): Promise<boolean> =>
      (await peers()).some(({ name }) => name === 'from-environment');
    await waitFor(named, { what: 'the agent to be connected', everyMs: 200 });
    expect((await peers())[0]).toMatchObject({ labels: { zone: 'eu-1', node: 'n17' } });
    expect((await swarm.enjambre(['ls', '--config', config])).code).toBe(4);
    expect((await swarm.enjambre(['--config', config, '--context', 'here', 'ls'])).code).toBe(0);
    const env = { ENJAMBRE_CONFIG: config };
    expect((await swarm.enjambre(['config', 'use-context', 'here'], { env })).code).toBe(0);
    expect((await swarm.enjambre(['ls'], { env })).code).toBe(0);
    expect(await readFile(config, 'utf8')).toContain('label: [ zone=eu-1, node=n17 ]');
    expect(await agent.stop()).toBe(0);
  });

  async function peers(): Promise<readonly Readonly<Record<string, unknown>>[]> {
    return allLines(
      await swarm.enjambre(['peers', '--json'], { env: { ENJAMBRE_TRACKER: swarm.trackerAddress } }),
    );
  }
});

describe('`enjambre dev`', () => {
  test('on a terminal logs to a file, and says what runs and what to type next', async () => {
    const dataDir = join(swarm.root, 'terminal');
    const ports = ['--listen', '--tracker-listen', '--messaging-listen'].flatMap((flag) => [
      flag,
      '127.0.0.1:0',
    ]);
    const terminal = new Terminal(['dev', '--data-dir', dataDir, ...ports]);
    const screen = () => terminal.text;
    try {
      await waitFor(() => screen().includes('enjambre files'), { what: 'the hints', seen: screen });
      expect(screen()).toContain(`  log        ${join(dataDir, 'dev.log')}`);
      expect(screen()).toContain(`  enjambre share --data-dir ${dataDir} PATH`);
      // Nobody elsewhere can join: it listens on this machine only.
      expect(screen()).not.toContain('On another machine');
      const path = join(swarm.root, 'terminal.bin');
      await writeRandomFile(path, MIB);
      await swarm.enjambre(['share', path, '--data-dir', dataDir]);
      const log = () => readFile(join(dataDir, 'dev.log'), 'utf8');
      await waitFor(async () => (await log()).includes('terminal.bin'), {
        what: 'the share in the log',
        seen: log,
      });
      expect(screen()).not.toContain('terminal.bin');
    } finally {
      expect(await terminal.stop()).toBe(0);
    }
  });

  test('is a tracker and an agent in one process, that others can join', async () => {
    const dataDir = join(swarm.root, 'dev');
    const dev = swarm.run([
      ...['dev', '--data-dir', dataDir, '--listen', '127.0.0.1:0', '--tracker-listen', '127.0.0.1:0'],
      ...['--messaging-listen', '127.0.0.1:0'],
      ...['--log-format', 'json'],
    ]);
    const tracker = await dev.waitForLog(
      ({ address, name }) => (name === 'tracker' && typeof address === 'string' ? address : undefined),
      'the tracker to listen',
    );
    await dev.waitForLog(({ control }) => control, 'the agent to listen');
    const path = join(swarm.root, 'dev.bin');
    const sha256 = await writeRandomFile(path, 3 * MIB);
    const shared = lastLine(await swarm.enjambre(['share', path, '--json', '--data-dir', dataDir]));

    await mkdir(join(swarm.root, 'joiner'));
    const joiner = swarm.run([
      'agent',
      '--data-dir',
      'joiner',
      '--listen',
      '127.0.0.1:0',
      '--tracker',
      tracker,
      '--log-format',
      'json',
    ]);
    await joiner.waitForLog(({ tracker: its }) => its, 'the other agent to connect');
    const done = lastLine(await swarm.enjambre(['get', 'dev.bin', '--json', '--data-dir', 'joiner']));
    expect(done).toMatchObject({
      infohash: shared['infohash'],
      path: join(swarm.root, 'joiner', 'downloads', 'dev.bin'),
    });
    expect(await hashFile(String(done['path']))).toBe(sha256);

    dev.signal('SIGINT');
    expect(await finish(dev)).toMatchObject({ code: 0, stderr: '' });
    expect(await joiner.stop()).toBe(0);
  });
});

test('logs are lines for people, without colours, if set so', async () => {
  await swarm.startTracker();
  const agent = swarm.run([
    'agent',
    '--data-dir',
    'd',
    '--listen',
    '127.0.0.1:0',
    '--tracker',
    swarm.trackerAddress,
    '--log-format',
    'pretty',
    '--name',
    'p',
    '--control',
    '127.0.0.1:0',
  ]);
  const awaited = [
    /connected to tracker/,
    /listening on 127\.0\.0\.1:\d+, controlled at 127\.0\.0\.1:[1-9]\d*/,
  ];
  // Either may come first.
  await waitFor(() => awaited.every((line) => line.test(agent.stdout.join('\n'))), {
    what: 'the agent to listen and to connect',
    seen: () => agent.stdout.join('\n'),
  });
  for (const line of agent.stdout) expect(line).toMatch(/^\[?\d\d:\d\d:\d\d\]? .*p: /);
  expect(await agent.stop()).toBe(0);
  expect(agent.stderr).toEqual([]);
});
