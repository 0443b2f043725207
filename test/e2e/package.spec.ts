import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ManagedProcess } from '@enjambre/harness/managed-process';
import { NatsServer } from '@enjambre/harness/nats-server';
import { finish, ProcessSwarm } from '@enjambre/harness/swarm';
import { bufCurl } from './support/buf-curl.js';

jest.setTimeout(60_000);

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Arguments of env: an environment that has Node and nothing of ours. */
const CLEAN = ['-i', `PATH=${dirname(process.execPath)}:/usr/bin:/bin`];

let folder: string;
let archive: string;
/** The unpacked archive, away from where it was written. */
let unpacked: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'enjambre-package-'));
  execFileSync(join(ROOT, 'tools/package.sh'), [join(folder, 'made')]);
  archive = join(
    folder,
    'made',
    readdirSync(join(folder, 'made')).find((name) => name.endsWith('.gz')) ?? '',
  );
  execFileSync('tar', ['-xzf', archive, '-C', folder]);
  rmSync(join(folder, 'made', archive.slice(0, -'.tar.gz'.length)), { recursive: true, force: true });
  unpacked = join(folder, readdirSync(folder).find((name) => name.startsWith('enjambre-')) ?? '');
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('the bundle has man pages, and completion for each shell', () => {
  const share = (path: string): string => readFileSync(join(unpacked, 'share', path), 'utf8');
  expect(share('man/man1/enjambre-get.1')).toContain('.SH SYNOPSIS');
  expect(share('bash-completion/completions/enjambre')).toContain('complete -F _enjambre enjambre');
  expect(share('zsh/vendor-completions/_enjambre')).toContain('#compdef enjambre');
  expect(share('fish/vendor_completions.d/enjambre.fish')).toContain('complete -c enjambre');
});

describe('the bundle, unpacked in another folder', () => {
  let swarm: ProcessSwarm;
  let nats: NatsServer;

  beforeEach(async () => {
    swarm = await ProcessSwarm.create({ command: join(unpacked, 'bin/enjambre') });
    nats = await NatsServer.start();
    swarm.add(nats);
  });

  afterEach(() => swarm.stop());

  test('runs all services and moves a file and a message', async () => {
    const through = ['env', ...CLEAN, `HOME=${swarm.root}`];
    const tracker = ['--nats', nats.url, '--metrics', '127.0.0.1:0'];
    await swarm.startTracker(tracker, { through });
    await swarm.startMessaging(['--nats', nats.url]);
    const a = await swarm.startAgent('a', [], { through });
    const b = await swarm.startAgent('b', [], { through });
    const content = randomBytes(5 << 20);
    writeFileSync(join(swarm.root, 'f.bin'), content);

    expect(await swarm.command(a, ['share', join(swarm.root, 'f.bin')])).toMatchObject({ code: 0 });
    expect(await swarm.command(b, ['get', 'f.bin', '--timeout', '30'])).toMatchObject({ code: 0 });
    expect(content.equals(await readFile(join(b.downloadDir, 'f.bin')))).toBe(true);

    expect(await swarm.command(b, ['send', 'a', 'it is here'])).toMatchObject({ code: 0 });
    expect((await swarm.command(a, ['inbox'])).stdout).toContain('it is here');
    const doctor = await swarm.enjambre([
      'doctor',
      '--data-dir',
      a.dataDir,
      '--tracker',
      swarm.trackerAddress,
    ]);
    expect(doctor.stdout).toMatch(/^ok +versions/m);
    // Both versions of reflection read protos of their own, and ours from the descriptors.
    const methods = await finish(
      bufCurl(swarm, { address: swarm.trackerAddress, options: ['--list-methods'] }),
    );
    expect(methods.stdout).toContain('enjambre.tracker.v1.TrackerService/Connect');
  });

  test.each(['http/protobuf', 'http/json'])('exports traces by %s', async (protocol) => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
    const { code, stderr } = await swarm.enjambre(['ls', '--data-dir', swarm.root], { env });
    expect(stderr).toMatch(/no agent answers/);
    expect(code).toBe(4);
  });
});

describe('compiled code', () => {
  let home: string;

  beforeEach(() => {
    home = mkdtempSync(join(folder, 'home-'));
  });

  /** Runs a command that needs nothing, and returns the file with its compiled code. */
  async function cacheAfterRun(): Promise<string> {
    const args = [...CLEAN, `HOME=${home}`, join(unpacked, 'bin/enjambre'), 'files', '--help'];
    expect(await finish(new ManagedProcess('env', args))).toMatchObject({ code: 0, stderr: '' });
    const [name = '', ...others] = readdirSync(join(home, '.cache/enjambre'));
    expect(others).toEqual([]);
    return join(home, '.cache/enjambre', name);
  }

  test('is kept for the next command', async () => {
    const file = await cacheAfterRun();
    const before = statSync(file);
    expect(before.mode & 0o777).toBe(0o600);
    expect(statSync(await cacheAfterRun()).ino).toBe(before.ino);
  });

  test('is compiled again if the file is damaged, or could be written by others', async () => {
    const file = await cacheAfterRun();
    writeFileSync(file, 'damaged');
    const second = statSync(await cacheAfterRun());
    expect(second.size).toBeGreaterThan(10_000);
    chmodSync(file, 0o666);
    const third = statSync(await cacheAfterRun());
    expect([third.ino === second.ino, third.mode & 0o777]).toEqual([false, 0o600]);
  });

  test('is not needed: a home folder that cannot be written is no error', async () => {
    rmSync(home, { recursive: true });
    writeFileSync(home, '');
    const args = [...CLEAN, `HOME=${home}`, join(unpacked, 'bin/enjambre'), '--help'];
    expect(await finish(new ManagedProcess('env', args))).toMatchObject({ code: 0, stderr: '' });
  });
});

test('the archive is installed by npm without a network, and runs', async () => {
  const prefix = join(folder, 'prefix');
  execFileSync('npm', ['install', '-g', '--offline', '--prefix', prefix, archive], { cwd: folder });
  const command = join(prefix, 'bin/enjambre');
  const { version } = JSON.parse(readFileSync(join(ROOT, 'cli/package.json'), 'utf8')) as { version: string };
  expect(
    await finish(new ManagedProcess('env', [...CLEAN, command, '--version'], { cwd: folder })),
  ).toMatchObject({
    code: 0,
    stdout: version,
  });
});

test('the bundle has the licenses of its packages, and no path of the checkout', () => {
  const licenses = readFileSync(join(unpacked, 'THIRD-PARTY-LICENSES'), 'utf8');
  for (const name of ['@grpc/grpc-js', 'commander', 'nats', 'pino', 'zod'])
    expect(licenses).toMatch(new RegExp(`^${name} \\d`, 'm'));
  expect(spawnSync('grep', ['-rl', ROOT, unpacked], { encoding: 'utf8' }).stdout).toBe('');
});
