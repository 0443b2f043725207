import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
// Loaded first: under Jest, two imports of one package at the same time fail.
import '@enjambre/proto/gen/enjambre/agent/v1/agent';
import '@enjambre/common/nats/nats-link';
import { waitFor } from '@enjambre/harness/wait-for';
import { cli, type CliResult } from '../../cli/test/harness.js';
import { KIB } from './support/sharing.js';

jest.setTimeout(60_000);

/** Commands of which only the help is looked at: services in the foreground, and a menu. */
const WITHOUT_RESULTS = ['dev', 'tracker', 'messaging', 'agent', 'shell'];
const HOST = 'a-machine-with-a-long-host-name.example.internal';
const LONG = 'checkpoint-at-step-100000-with-the-state-of-the-optimizer-and-all-else.safetensors';
const MODES = ['80 columns', '200 columns', 'pipe', 'json'] as const;

type Mode = (typeof MODES)[number];

interface Case {
  readonly args: (its: { readonly mode: Mode; readonly at: (name: string) => string }) => readonly string[];
  /** @default 0 */
  readonly exit?: number;
  /** Prints text for another program. @default false */
  readonly raw?: boolean;
}

const plain = (...args: string[]): Case => ({ args: () => args });
const onFile = (name: string): Case => plain(name, LONG);
const slug = (mode: Mode): string => mode.replaceAll(' ', '-');

/** What is called of each command, in this order. A new command needs an entry. */
const CASES: Readonly<Record<string, readonly Case[]>> = {
  share: [{ args: ({ at }) => ['share', at(LONG), at('model.bin')] }],
  get: [onFile('get'), plain('get', LONG, '--detach')],
  inspect: [{ args: ({ at }) => ['inspect', at('long.torrent'), '--all'] }],
  ls: [plain('ls'), plain('ls', '--sort', 'size:desc')],
  status: [onFile('status'), plain('status', LONG, 'model.bin')],
  explain: [onFile('explain')],
  pause: [onFile('pause')],
  resume: [onFile('resume'), plain('resume', '--all')],
  verify: [plain('verify', LONG, '--wait'), plain('verify', 'model.bin')],
  limit: [plain('limit', LONG, '--max-upload', '1GB', '--seed-time', '12h'), plain('limit')],
  rm: [{ args: ({ mode }) => ['rm', `rm-${slug(mode)}.bin`] }],
  top: [plain('top', '--once')],
  files: [plain('files'), plain('files', 'model')],
  peers: [plain('peers'), onFile('peers'), plain('peers', '--banned')],
  unban: [{ args: () => ['unban', 'nobody'], exit: 3 }],
  events: [plain('events', '--since', '1h')],
  health: [{ args: ({ at }) => ['health', at('')] }],
  rooms: [plain('rooms', 'join', 'operations'), plain('rooms')],
  send: [plain('send', HOST, 'hello, world'), plain('send', '--room', 'operations', 'to all')],
  inbox: [plain('inbox', '--all')],
  history: [plain('history')],
  config: [plain('config', 'set-context', 'eu', '--agent', 'agent.eu'), plain('config')],
  ca: [{ args: ({ at, mode }) => ['ca', 'init', '--ca', at(`ca-${slug(mode)}`)] }],
  completion: [{ ...plain('completion', 'bash'), raw: true }],
  version: [plain('version')],
  doctor: [plain('doctor')],
};

let swarm: ProcessSwarm;
let bob: SwarmAgent;

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await Promise.all([swarm.startTracker(), swarm.startMessaging()]);
  const zone = ['--label', 'zone=eu-west-1a', '--label', 'rack=r12'];
  const [alice] = await Promise.all([
    swarm.startAgent('alice', ['--name', HOST, ...zone]),
    swarm.startAgent('bob', zone).then((agent) => (bob = agent)),
  ]);
  const names = [LONG, 'model.bin', ...MODES.map((mode) => `rm-${slug(mode)}.bin`)];
  for (const name of names) await writeRandomFile(join(swarm.root, name), 40 * KIB);
  const paths = names.map((name) => join(swarm.root, name));
  const torrent = ['--torrent', join(swarm.root, 'long.torrent')];
  expect(await swarm.command(alice, ['share', ...paths])).toMatchObject({ code: 0 });
  expect(await swarm.command(alice, ['share', paths[0]!, ...torrent])).toMatchObject({ code: 0 });
  expect(await swarm.command(bob, ['get', '-q', ...names])).toMatchObject({ code: 0, stderr: '' });
  await swarm.command(alice, ['rooms', 'join', 'operations']);
  const text = `${'a sentence of several words, '.repeat(20)}\n\u001b[31mand \u202e control characters`;
  const sent = ['send', 'bob', text];
  await waitFor(async () => (await swarm.command(alice, sent)).code === 0, {
    what: 'the message to be sent',
  });
  const inbox = ['inbox', '--all', '--json'];
  await waitFor(async () => (await swarm.command(bob, inbox)).json.length > 0, { what: 'the message' });
});

afterAll(() => swarm.stop());

async function commands(): Promise<readonly string[]> {
  const { stdout } = await cli(['--help']);
  return [...stdout.matchAll(/^ {2}([a-z]+)(?= |$)/gm)].map(([, name = '']) => name);
}

/** Runs a command as if its output were a terminal of that width, a pipe, or a program. */
function runIn(mode: Mode, args: readonly string[]): Promise<CliResult> {
  const columns = mode.endsWith('columns') ? { columns: Number.parseInt(mode, 10) } : {};
  const environment = {
    ENJAMBRE_DATA_DIR: bob.dataDir,
    XDG_CONFIG_HOME: join(swarm.root, slug(mode)),
    HOME: swarm.root,
  };
  return cli(mode === 'json' ? [...args, '--json'] : args, { ...columns, environment, cwd: swarm.root });
}

/** Lines that are too wide, except those whose single word is. */
function tooWide(text: string, columns: number): string[] {
  return text.split('\n').filter(
    (line) =>
      line.length > columns &&
      line
        .trim()
        .split(/ +/)
        .every((word) => word.length < columns / 2),
  );
}

/** Words of letters that `text` has and `whole`, which is as wide as it likes, has not: parts of broken ones. */
function broken(text: string, whole: string): string[] {
  const known = new Set(whole.split(/\s+/));
  return text.split(/\s+/).filter((word) => /^[a-z]{3,}$/i.test(word) && !known.has(word));
}

function expectFits(mode: Mode, text: string): void {
  expect(text.match(/[\u0000-\u0008\u000b-\u001f\u007f]/)).toBeNull();
  if (mode.endsWith('columns')) expect(tooWide(text, Number.parseInt(mode, 10))).toEqual([]);
}

test('each command of the help is in the table of this spec', async () => {
  expect([...(await commands())].sort()).toEqual([...Object.keys(CASES), ...WITHOUT_RESULTS].sort());
});

test('the help of each command fits, with whole words', async () => {
  for (const name of ['', ...(await commands())]) {
    const args = name === '' ? ['--help'] : [name, '--help'];
    const whole = await runIn('200 columns', args);
    for (const mode of ['80 columns', '200 columns', 'pipe'] as const) {
      const { code, stdout, stderr } = await runIn(mode, args);
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' });
      expectFits(mode, stdout);
      expect({ name, broken: broken(stdout, whole.stdout) }).toEqual({ name, broken: [] });
    }
  }
});

describe.each(Object.entries(CASES))('%s', (_, cases) => {
  test.each(MODES)('in %s', async (mode) => {
    for (const { args: of, exit = 0, raw = false } of cases) {
      const at = (name: string): string => (name === '' ? swarm.trackerAddress : join(swarm.root, name));
      const args = of({ mode, at });
      const result = await runIn(mode, args);
      const { code, stderr } = result;
      expect({ args, code, stderr: code === exit ? '' : stderr }).toEqual({ args, code: exit, stderr: '' });
      expectFits(raw ? 'pipe' : mode, result.stdout);
      if (!mode.endsWith('columns')) expectFits(mode, result.stderr);
      if (mode === 'json')
        for (const line of result.stdout.split('\n').slice(0, -1))
          expect(JSON.parse(line)).toEqual(expect.objectContaining({ type: expect.any(String) }));
    }
  });
});
