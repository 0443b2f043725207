import { readFile, stat, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type CommandResult, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { RecordingLink } from './support/recording-link.js';
import { MIB } from './support/sharing.js';

jest.setTimeout(90_000);

const SECRET_NAME = 'weights-of-the-secret-project.bin';
const SECRET_TEXT = 'the launch is on tuesday';

let swarm: ProcessSwarm;
let links: RecordingLink[];
let tracker: string;
let alice: SwarmAgent;
let bob: SwarmAgent;
let content: Buffer;

const folderOf = (name: string): string => join(swarm.root, 'tls', name);

async function issue(name: string, ...args: string[]): Promise<string> {
  const folder = folderOf(name);
  const issued = await swarm.enjambre(['ca', 'issue', '--ca', 'ca', '--out', folder, ...args]);
  expect(issued).toMatchObject({ code: 0 });
  return folder;
}

async function tapped(address: string): Promise<string> {
  const link = swarm.add(await RecordingLink.to(address));
  links.push(link);
  return link.address;
}

function refusal({ code, stderr }: CommandResult): string {
  expect(code).not.toBe(0);
  expect(stderr.trim().split('\n')).toHaveLength(1);
  return stderr;
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  links = [];
  expect(await swarm.enjambre(['ca', 'init', '--ca', 'ca', '--network', 'prod'])).toMatchObject({ code: 0 });
  for (const role of ['tracker', 'messaging', 'operator', 'viewer']) await issue(role, '--role', role);
  for (const name of ['alice', 'bob']) await issue(name, '--name', name);
  await swarm.startTracker(['--tls', folderOf('tracker')]);
  await swarm.startMessaging(['--tls', folderOf('messaging')]);
  tracker = await tapped(swarm.trackerAddress);
  const messaging = await tapped(swarm.messagingAddress);
  const via = ['--tracker', tracker, '--messaging', messaging];
  alice = await swarm.startAgent('alice', [...via, '--tls', folderOf('alice')]);
  // Other agents reach alice through the tap.
  const advertised = await tapped(alice.address);
  await alice.process.stop();
  alice = await swarm.startAgent('alice', [...via, '--advertise', advertised, '--tls', folderOf('alice')]);
  bob = await swarm.startAgent('bob', [...via, '--tls', folderOf('bob')]);
  const path = join(swarm.root, SECRET_NAME);
  await writeRandomFile(path, 4 * MIB);
  content = await readFile(path);
  expect(await swarm.command(alice, ['share', path])).toMatchObject({ code: 0 });
});

afterAll(() => swarm.stop());

describe('a network with TLS', () => {
  test('moves files and messages, and nothing of them is readable on the way', async () => {
    expect(await swarm.command(bob, ['get', SECRET_NAME])).toMatchObject({ code: 0 });
    expect(content.equals(await readFile(join(bob.downloadDir, SECRET_NAME)))).toBe(true);
    expect(await swarm.command(bob, ['send', 'alice', SECRET_TEXT])).toMatchObject({ code: 0 });
    await waitFor(async () => (await swarm.command(alice, ['inbox'])).stdout.includes(SECRET_TEXT), {
      what: 'the message',
    });
    const bytes = Buffer.concat(links.map(({ recorded }) => recorded));
    expect(links.map(({ recorded }) => recorded.length > 1000)).toEqual([true, true, true]);
    expect(bytes.length).toBeGreaterThan(content.length);
    // Three bytes may occur by chance.
    const secrets = [
      SECRET_NAME,
      SECRET_TEXT,
      'enjambre.',
      'alice',
      content.subarray(0, 64),
      content.subarray(-64),
    ];
    expect(secrets.filter((secret) => bytes.includes(secret))).toEqual([]);
  });

  test('blames no peer for what someone on the path changes: the download uses another connection', async () => {
    const seeder = await swarm.startAgent('sam', ['--tracker', tracker, '--tls', await issue('sam')]);
    const link = swarm.add(await RecordingLink.to(seeder.address, { faults: 2 }));
    await seeder.process.stop();
    const flags = ['--tracker', tracker, '--tls', folderOf('sam'), '--advertise', link.address];
    // The link leads to the port that it had.
    const sam = await swarm.startAgent('sam', [...flags, '--listen', seeder.address]);
    const path = join(swarm.root, 'tampered.bin');
    await writeRandomFile(path, 24 * MIB);
    expect(await swarm.command(sam, ['share', path])).toMatchObject({ code: 0 });
    const dora = await swarm.startAgent('dora', [
      ...['--tracker', tracker, '--tls', await issue('dora'), '--log-level', 'debug'],
    ]);
    expect(await swarm.command(dora, ['get', 'tampered.bin'])).toMatchObject({ code: 0 });
    expect((await readFile(path)).equals(await readFile(join(dora.downloadDir, 'tampered.bin')))).toBe(true);
    expect(link.flipped).toBe(2);
    const changed = dora.process.stdout.filter((line) => line.includes('bytes were changed on the way'));
    expect(changed).toHaveLength(2);
    for (const agent of [sam, dora])
      expect((await swarm.command(agent, ['peers', '--banned', '--json'])).json).toEqual([]);
  });

  test('answers a command by the role of its certificate', async () => {
    const files = ['files', '--tracker', swarm.trackerAddress];
    expect((await swarm.enjambre([...files, '--tls', folderOf('viewer')])).stdout).toContain(SECRET_NAME);
    const events = ['events', '--tracker', swarm.trackerAddress];
    expect((await swarm.enjambre([...events, '--tls', folderOf('operator')])).stdout).toContain('alice');
    expect(refusal(await swarm.enjambre(files))).toContain('this server requires TLS: name a certificate');
    const health = ['health', swarm.trackerAddress];
    expect(await swarm.enjambre([...health, '--tls', folderOf('bob')])).toMatchObject({ code: 0 });
  });

  test('keeps the certificate of a context', async () => {
    const config = join(swarm.root, 'config.yaml');
    const set = ['config', 'set-context', 'prod', '--config', config];
    const its = ['--tracker', swarm.trackerAddress, '--tls', folderOf('viewer')];
    expect(await swarm.enjambre([...set, ...its])).toMatchObject({ code: 0 });
    const files = await swarm.enjambre(['files', '--context', 'prod', '--config', config]);
    expect(files.stdout).toContain(SECRET_NAME);
  });

  test('admits no agent without a certificate, or with a name that is not its own', async () => {
    const eve = await swarm.startAgent('eve', ['--tracker', swarm.trackerAddress]);
    await eve.process.waitForLog(
      ({ msg }) => (/this server requires TLS/.test(String(msg)) ? true : undefined),
      'the refusal',
    );
    await eve.process.stop();
    const mallory = swarm.run([
      ...['agent', '--name', 'alice', '--data-dir', 'mallory', '--listen', '127.0.0.1:0'],
      ...['--tls', folderOf('bob'), '--log-format', 'json'],
    ]);
    expect(await mallory.wait()).not.toBe(0);
    expect(mallory.stderr.join('\n')).toContain(
      'your certificate does not allow the name "alice": choose one that matches "bob"',
    );
  });

  test('answers probes without TLS at --health-listen, and nothing else there', async () => {
    const probed = ['--health-listen', '127.0.0.1:0', '--log-format', 'json', '--listen', '127.0.0.1:0'];
    const programs = [
      ['tracker', '--tls', folderOf('tracker')],
      ['messaging', '--tls', folderOf('messaging')],
      ['agent', '--data-dir', 'probed', '--tls', await issue('probed'), '--tracker', tracker],
    ];
    for (const words of programs) {
      const program = swarm.run([...words, ...probed]);
      const address = await program.waitForLog(({ health }) => health as string, 'the address of the health');
      expect(await swarm.enjambre(['health', address])).toMatchObject({ code: 0 });
      const files = await swarm.enjambre(['files', '--tracker', address]);
      expect(files).toMatchObject({
        code: 4,
        stderr: expect.stringContaining('is not the address of a tracker'),
      });
      expect(await program.stop()).toBe(0);
    }
  });

  test('serves metrics over TLS to members only, with --metrics-tls', async () => {
    const programs = [
      ['tracker', '--tls', folderOf('tracker')],
      ['messaging', '--tls', folderOf('messaging')],
      ['agent', '--data-dir', 'measured', '--tls', await issue('measured'), '--tracker', tracker],
    ];
    const [ca, cert, key] = await Promise.all(
      ['ca.crt', 'tls.crt', 'tls.key'].map((name) => readFile(join(folderOf('viewer'), name))),
    );
    const page = (address: string, secrets: object): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const asked = get(
          `https://${address}/metrics`,
          { ...secrets, servername: 'enjambre' },
          (response) => {
            response.resume();
            resolve(response.statusCode);
          },
        );
        asked.on('error', reject);
      });
    for (const words of programs) {
      const flags = [
        '--metrics',
        '127.0.0.1:0',
        '--metrics-tls',
        '--listen',
        '127.0.0.1:0',
        '--log-format',
        'json',
      ];
      const program = swarm.run([...words, ...flags]);
      const address = await program.waitForLog(
        ({ metrics }) => metrics as string,
        'the address of the metrics',
      );
      expect(await page(address, { ca, cert, key })).toBe(200);
      await expect(page(address, { ca })).rejects.toThrow(/certificate required|socket hang up|ECONNRESET/);
      expect(await program.stop()).toBe(0);
    }
  });

  test('starts no program in a role that its certificate does not have', async () => {
    const wrong = swarm.run(['tracker', '--listen', '127.0.0.1:0', '--tls', folderOf('messaging')]);
    expect(await wrong.wait()).not.toBe(0);
    expect(wrong.stderr.join('\n')).toMatch(
      /tls\.crt has the role messaging: name one with the role tracker/,
    );
    const half = swarm.run([
      'tracker',
      '--listen',
      '127.0.0.1:0',
      '--tls-ca',
      join(folderOf('tracker'), 'ca.crt'),
    ]);
    expect(await half.wait()).toBe(2);
    expect(half.stderr.join('\n')).toContain('--tls-cert is missing');
  });

  test('uses renewed certificates at once, and downloads go on', async () => {
    const before = await stat(join(folderOf('alice'), 'tls.key'));
    await issue('alice', '--name', 'alice', '--ttl', '30d');
    await issue('tracker', '--role', 'tracker', '--ttl', '30d');
    const renewed = ({ msg }: Record<string, unknown>): true | undefined =>
      /new certificate in use/.test(String(msg)) ? true : undefined;
    await Promise.all([
      alice.process.waitForLog(renewed, 'the new certificate of alice'),
      swarm.tracker.waitForLog(renewed, 'the new certificate of the tracker'),
    ]);
    // The peer stays the same: its key does.
    expect((await stat(join(folderOf('alice'), 'tls.key'))).mtimeMs).toBe(before.mtimeMs);
    const carol = await swarm.startAgent('carol', ['--tracker', tracker, '--tls', await issue('carol')]);
    expect(await swarm.command(carol, ['get', SECRET_NAME])).toMatchObject({ code: 0 });
  });

  test('reports files that cannot be used, and keeps the old ones', async () => {
    await writeFile(join(folderOf('bob'), 'tls.crt'), 'half');
    await bob.process.waitForLog(
      ({ msg }) =>
        /the certificate cannot be renewed: .*tls\.crt holds no certificate/.test(String(msg))
          ? true
          : undefined,
      'the report',
    );
    expect(await swarm.command(bob, ['peers'])).toMatchObject({ code: 0 });
  });
});

describe('enjambre ca', () => {
  test('does not replace a CA, and says where there is none', async () => {
    expect(refusal(await swarm.enjambre(['ca', 'init', '--ca', 'ca']))).toContain('there is a CA in');
    expect(refusal(await swarm.enjambre(['ca', 'issue', '--ca', 'none', '--out', 'x']))).toContain(
      'create a CA with `enjambre ca init`',
    );
    expect(refusal(await swarm.enjambre(['ca', 'issue', '--ca', 'ca']))).toContain('--out');
    expect(refusal(await swarm.enjambre(['ca', 'init', '--ca', 'other', '--network', 'My Net']))).toContain(
      'is not the name of a network',
    );
    expect(refusal(await swarm.enjambre(['ca', 'issue', '--role', 'admin']))).toContain(
      'must be one of tracker',
    );
  });

  test('keeps private keys to their owner', async () => {
    for (const key of [join(swarm.root, 'ca', 'ca.key'), join(folderOf('alice'), 'tls.key')])
      expect((await stat(key)).mode & 0o777).toBe(0o600);
  });
});
