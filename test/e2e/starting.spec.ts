import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { finish, ProcessSwarm } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { allLines, expectRefused, expectSentence, lastLine } from './support/outcome.js';
import { KIB } from './support/sharing.js';

jest.setTimeout(60_000);

/** No process listens there: the port is reserved (TCPMUX). */
const NOBODY = '127.0.0.1:1';

let swarm: ProcessSwarm;

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(() => swarm.stop());

describe('a usage error exits with 2 and a hint:', () => {
  test.each([
    ['no command', [], /missing command/],
    ['an unknown command', ['shar', 'x'], /unknown command 'shar'/],
    ['an unknown option', ['ls', '--al'], /unknown option '--al'/],
    ['a missing argument', ['get'], /missing required argument 'REF'/],
    ['too many arguments', ['files', 'a', 'b'], /too many arguments/],
    ['an option without its value', ['get', 'x', '--output'], /--output/],
    ['pieces of no bytes', ['share', 'x', '--piece-length', 'many'], /--piece-length/],
    ['an agent at no address', ['ls', '--agent', 'non sense'], /--agent: "non sense"/],
    ['a tracker at no address', ['files', '--tracker', 'here:70000'], /--tracker: "here:70000"/],
    [
      'a tracker for other machines without a certificate',
      ['tracker', '--listen', ':0'],
      /--listen :0 would reach other machines in plaintext: name a certificate with --tls or --ca, .* allow it with --insecure/,
    ],
    [
      'a messaging service for other machines without a certificate',
      ['messaging', '--listen', ':0'],
      /--listen :0 would reach .* with --join or --tls/,
    ],
    [
      'an agent of another machine’s tracker without a certificate',
      ['agent', '--listen', '127.0.0.1:0', '--tracker', 'tracker.example', '--data-dir', 'a'],
      /--tracker tracker\.example:7070 would reach .* with --join or --tls/,
    ],
    [
      'a certificate beside plaintext',
      ['tracker', '--tls', 'tls', '--insecure'],
      /--insecure and --tls exclude each other/,
    ],
    [
      'a CA beside plaintext',
      ['tracker', '--ca', 'ca', '--insecure'],
      /--insecure and --ca exclude each other/,
    ],
    ['a tracker that listens nowhere', ['tracker', '--listen', '7070'], /--listen: "7070" is not an address/],
    ['a tracker that listens on a socket', ['tracker', '--listen', 'unix:/tmp/x'], /--listen: .*HOST:PORT/],
    [
      'an unknown log level',
      ['tracker', '--log-level', 'loud'],
      /--log-level: must be one of fatal, error, warn, info, debug, trace, silent/,
    ],
    ['an unknown log format', ['agent', '--log-format', 'xml'], /--log-format: must be one of pretty, json/],
    ['a label without a value', ['agent', '--label', 'zone'], /--label: "zone"/],
    ['an empty name', ['agent', '--name', ''], /--name: a name is missing/],
    [
      'a tracker option on an agent',
      ['agent', '--tracker-listen', ':1'],
      /unknown option '--tracker-listen'/,
    ],
  ])('%s', async (_, args: readonly string[], about) => {
    const { code, stdout, stderr } = await swarm.enjambre(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    // Without a command, the help is printed first.
    expectSentence(args.length === 0 ? (stderr.split('\n').at(-1) ?? '') : stderr, about);
  });

  test('an invalid environment variable, by its name', async () => {
    const result = await swarm.enjambre(['agent', '--data-dir', 'a'], {
      env: { ENJAMBRE_AGENT_LISTEN: 'every where' },
    });
    expectRefused(result, 2, /ENJAMBRE_AGENT_LISTEN: "every where"/);
  });

  test('a socket path that is too long', async () => {
    expectRefused(await swarm.enjambre(['agent', '--data-dir', 'd'.repeat(120)]), 2, /longer than 107 bytes/);
  });
});

describe('without an agent', () => {
  test.each([
    ['ls'],
    ['share', '/dev/zero'],
    ['get', 'x'],
    ['status', 'x'],
    ['pause', 'x'],
    ['resume', 'x'],
    ['verify', 'x'],
    ['rm', 'x'],
    ['files'],
    ['peers'],
  ])('`%s` says how to start one, and exits with 4', async (...args) => {
    const result = await swarm.enjambre([...args, '--data-dir', 'nowhere']);
    expectRefused(
      result,
      4,
      /no agent answers at unix:.*\/nowhere\/agent\.sock: start one with `enjambre agent`/,
    );
  });

  test('the same over TCP', async () => {
    expectRefused(await swarm.enjambre(['ls', '--agent', NOBODY]), 4, /no agent answers at 127\.0\.0\.1:1/);
  });
});

describe('without a tracker', () => {
  test('a lookup exits with 4', async () => {
    expectRefused(
      await swarm.enjambre(['files', '--tracker', NOBODY]),
      4,
      /no tracker answers at 127\.0\.0\.1:1/,
    );
    expectRefused(
      await swarm.enjambre(['peers', '--tracker', NOBODY]),
      4,
      /no tracker answers at 127\.0\.0\.1:1/,
    );
  });

  test('an agent starts, reports that it has none, shares nevertheless, and announces when there is one', async () => {
    await swarm.startTracker();
    await swarm.tracker.kill();
    const alice = await swarm.startAgent('alice');
    await alice.process.waitForLog(
      ({ level, msg }) =>
        level === 'warn' && String(msg).includes(`no session with tracker ${swarm.trackerAddress}`),
      'a warning',
    );

    await writeRandomFile(join(swarm.root, 'early.bin'), 100 * KIB);
    const shared = lastLine(await swarm.command(alice, ['share', 'early.bin', '--json']));
    expectRefused(await swarm.command(alice, ['get', 'some name']), 4, /tracker at .* cannot be reached/);
    expectRefused(await swarm.command(alice, ['files']), 4, /tracker at .* cannot be reached/);
    expectRefused(await swarm.command(alice, ['peers']), 4, /tracker at .* cannot be reached/);

    await swarm.startTracker();
    const files = await waitFor(
      async () => {
        const found = allLines(await swarm.enjambre(['files', '--json', '--tracker', swarm.trackerAddress]));
        return found.length > 0 && found;
      },
      { what: 'the share to be announced', timeoutMs: 10_000, everyMs: 200 },
    );
    expect(files).toEqual([
      expect.objectContaining({
        infohash: shared['infohash'],
        seeder_count: 1,
        publisher: { id: expect.stringMatching(/^[0-9a-f]{64}$/), name: 'alice' },
      }),
    ]);
  });
});

describe('a service that cannot start exits with 1:', () => {
  test('a tracker or agent whose port is in use', async () => {
    await swarm.startTracker();
    const listen = ['--listen', swarm.trackerAddress];
    const about = new RegExp(
      `${swarm.trackerAddress} is in use by another program: choose another with --listen`,
    );
    expectRefused(await swarm.enjambre(['tracker', ...listen]), 1, about);
    expectRefused(await swarm.enjambre(['agent', ...listen, '--data-dir', 'other']), 1, about);
    // It left nothing behind that prevents the next start.
    const agent = swarm.run([
      'agent',
      '--listen',
      '127.0.0.1:0',
      '--data-dir',
      'other',
      '--log-format',
      'json',
    ]);
    await agent.waitForLog(({ address }) => address, 'the agent to start on the same folder');
    expect(await agent.stop()).toBe(0);
  });

  test('a second agent on a data folder, while the first continues', async () => {
    await swarm.startTracker();
    const alice = await swarm.startAgent('alice');
    const second = ['agent', '--listen', '127.0.0.1:0', '--data-dir', alice.dataDir];
    expectRefused(
      await swarm.enjambre(second),
      1,
      /another agent is using .*\/alice: stop it, or choose another folder/,
    );
    expect((await swarm.command(alice, ['ls'])).code).toBe(0);
    await alice.process.kill();
    await swarm.startAgent('alice'); // The lock of a killed agent does not block the next one.
  });

  test('an agent whose control address is in use, by its flag, before it contacts a tracker', async () => {
    await swarm.startTracker();
    const agent = ['agent', '--name', 'refused', '--listen', '127.0.0.1:0', '--data-dir', 'other'];
    const taken = ['--tracker', swarm.trackerAddress, '--control', swarm.trackerAddress];
    const about = new RegExp(`${swarm.trackerAddress} is in use .*: choose another with --control`);
    expectRefused(await swarm.enjambre([...agent, ...taken]), 1, about);
    expectRefused(
      await swarm.enjambre([...agent, '--control', 'unix:/dev/null/x']),
      1,
      /cannot create a socket .*--control$/,
    );
    expect(swarm.tracker.stdout.join('\n')).not.toContain('refused');
  });

  test.each(['tracker', 'messaging'])(
    '`dev` whose %s has no port, by the flag that moves it',
    async (service) => {
      await swarm.startTracker();
      const ports = { tracker: '127.0.0.1:0', messaging: '127.0.0.1:0', [service]: swarm.trackerAddress };
      const { code, stderr } = await swarm.enjambre([
        ...['dev', '--data-dir', 'dev', '--listen', '127.0.0.1:0'],
        ...['--tracker-listen', ports.tracker, '--messaging-listen', ports.messaging],
      ]);
      expect(code).toBe(1);
      expectSentence(stderr, new RegExp(`is in use .*: choose another with --${service}-listen`));
    },
  );

  test('an agent that cannot create its download folder', async () => {
    const agent = ['agent', '--listen', '127.0.0.1:0', '--data-dir', 'other'];
    const about = /download folder \/dev\/null\/x cannot be created \(not a directory\): .*--download-dir/;
    expectRefused(await swarm.enjambre([...agent, '--download-dir', '/dev/null/x']), 1, about);
    const env = { ENJAMBRE_AGENT_DOWNLOAD_DIR: '/dev/null/x' };
    expectRefused(await swarm.enjambre(agent, { env }), 1, about);
  });

  test('an agent whose data folder is a file', async () => {
    await writeRandomFile(join(swarm.root, 'a-file'), 10);
    const result = await swarm.enjambre(['agent', '--listen', '127.0.0.1:0', '--data-dir', 'a-file']);
    expectRefused(result, 1, /a-file/);
  });
});

test('a service exits with 0 at Ctrl-C', async () => {
  const tracker = swarm.run(['tracker', '--listen', '127.0.0.1:0', '--log-format', 'json']);
  await tracker.waitForLog(({ address }) => address, 'the tracker');
  tracker.signal('SIGINT');
  expect(await finish(tracker)).toMatchObject({ code: 0, stderr: '' });
});
