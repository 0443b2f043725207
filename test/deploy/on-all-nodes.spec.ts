import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { hashFile, writeRandomFile } from '@enjambre/harness/content';
import { finish, ProcessSwarm, type CommandResult, type SwarmAgent } from '@enjambre/harness/swarm';
import { containersOf, EXAMPLES, read, ROOT, workloadsOf } from './manifests.js';

jest.setTimeout(60_000);

const TOKEN = 'the-same-token-for-all-agents';
const FILE = 'model.bin';

let swarm: ProcessSwarm;
let agents: SwarmAgent[];
let port: string;
let hash: string;

/** Runs it like the pod, except for DNS: our own `getent` returns the agents' addresses. */
async function runJob(
  addresses: readonly string[],
  settings: Readonly<Record<string, string>>,
): Promise<CommandResult> {
  const [container] = workloadsOf(EXAMPLES.flatMap(read)).flatMap(containersOf);
  const bin = join(swarm.root, 'bin');
  await mkdir(bin, { recursive: true });
  const lines = addresses.flatMap((address) =>
    ['STREAM', 'DGRAM', 'RAW'].map((type) => `${address}  ${type} agent`),
  );
  await writeFile(
    join(bin, 'getent'),
    `#!/bin/sh\n[ "$*" = "ahostsv4 agent" ] && printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')}\n`,
  );
  await writeFile(
    join(bin, 'enjambre'),
    `#!/bin/sh\nexec '${process.execPath}' '${ROOT}/cli/bin/enjambre.js' "$@"\n`,
  );
  await Promise.all(['getent', 'enjambre'].map((name) => chmod(join(bin, name), 0o755)));
  const given = Object.fromEntries(
    (container?.env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
  const mounted = container?.volumeMounts?.map(({ mountPath }) => mountPath);
  expect(mounted).toEqual(['/run/tls']);
  const [program = '', ...args] = [...(container?.command ?? []), ...(container?.args ?? [])].map((word) =>
    word.replaceAll('/run/tls', join(swarm.root, 'operator-tls')),
  );
  const env = {
    ...given,
    PATH: `${bin}:${process.env.PATH ?? ''}`,
    ENJAMBRE_TOKEN: TOKEN,
    PORT: port,
    ...settings,
    NODE_OPTIONS: undefined,
  };
  return finish(swarm.spawn(program, args, { env }));
}

function addressOf(index: number): string {
  return `127.0.0.${String(index + 2)}`;
}

async function ca(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await swarm.enjambre(['ca', ...args, '--ca', 'ca']);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

async function startControlled(name: string, control: string): Promise<SwarmAgent> {
  const { dataDir } = swarm.foldersOf(name);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await writeFile(join(dataDir, 'control.token'), TOKEN, { mode: 0o600 });
  const token = await ca('token', '--uses', '3');
  return swarm.startAgent(name, ['--control', control, '--join', token]);
}

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await ca('init');
  await ca('issue', '--role', 'operator', '--out', 'operator-tls');
  await swarm.startTracker(['--ca', 'ca']);
  const first = await startControlled('node-0', `${addressOf(0)}:0`);
  const controls = await first.process.waitForLog(
    ({ control }) => control as string[] | undefined,
    'its control address',
  );
  port = controls.at(-1)?.split(':').at(-1) ?? '';
  // The same port on separate addresses, as with pods.
  const others = await Promise.all(
    [1, 2].map((index) => startControlled(`node-${String(index)}`, `${addressOf(index)}:${port}`)),
  );
  agents = [first, ...others];
  const path = join(swarm.root, FILE);
  await writeRandomFile(path, 3_000_000);
  hash = await hashFile(path);
  expect(await swarm.command(first, ['share', path])).toMatchObject({ code: 0 });
});

afterAll(() => swarm.stop());

describe('the Job that downloads a file on all nodes', () => {
  test('fails if there are too few agents', async () => {
    const { code, stderr } = await runJob([addressOf(0), addressOf(1)], { AT_LEAST: '3' });
    expect([code, stderr]).toEqual([1, expect.stringContaining('there are 2 agents and should be 3')]);
  });

  test('succeeds when every agent has the file, and again when all already have it', async () => {
    for (const round of [1, 2]) {
      const { code, stdout, stderr } = await runJob([0, 1, 2].map(addressOf), { AT_LEAST: '3' });
      expect({ round, code, stderr }).toEqual({ round, code: 0, stderr: '' });
      expect(stdout).toContain(`all 3 have ${FILE}`);
    }
    for (const { downloadDir } of agents.slice(1)) expect(await hashFile(join(downloadDir, FILE))).toBe(hash);
  });

  test('fails if one agent does not answer', async () => {
    const { code, stderr, stdout } = await runJob([0, 1, 2, 3].map(addressOf), { AT_LEAST: '3' });
    expect(code).not.toBe(0);
    expect(stderr).toContain(`no agent answers at ${addressOf(3)}:${port}`);
    expect(stdout).not.toContain('have');
  });
});
