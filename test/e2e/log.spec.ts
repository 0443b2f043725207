import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants, openSync, closeSync, readSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { dialer } from '@enjambre/harness/dialer';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { metricsPage } from '@enjambre/harness/metrics-page';
import { finish, ProcessSwarm } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { TrackerServiceClient } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { TestAgent } from '../../services/tracker/test/harness.js';
import { listeningPorts } from './support/listening-ports.js';
import { fillUp, whyNoMounts, withSmallDisk } from './support/own-mounts.js';

jest.setTimeout(120_000);

const LISTEN = [
  ...['--listen', '127.0.0.1:0', '--metrics', '127.0.0.1:0', '--log-format', 'json'],
  // One agent makes the tracker log thousands of lines.
  ...['--address-budget', '100'],
];
const DROPPED = 'enjambre_log_lines_dropped_total';
/** More lines than a log buffers for a reader that has stopped: 4 MiB, plus a pipe. */
const FLOOD = 25_000;
/** Time in which a service must exit, on a busy machine. */
const GRACE_MS = 8000;
const CTRL_S = '\u0013';
const CTRL_Q = '\u0011';

let swarm: ProcessSwarm;
const clients: TrackerServiceClient[] = [];

beforeEach(async () => {
  swarm = await ProcessSwarm.create();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await swarm.stop();
});

/** Runs a program with a shell redirection, keeping its process id. */
const shell = (redirection: string, before = ''): readonly string[] => [
  'sh',
  '-c',
  `${before} exec "$@" ${redirection}`,
  'sh',
];

/** A service without a readable log, identified by its process. */
class Silent {
  private constructor(
    readonly process: ManagedProcess,
    readonly address: string,
    readonly metrics: string,
  ) {}

  /** @param pid of the service, if `process` only started it */
  static async find(process: ManagedProcess, pid = process.pid): Promise<Silent> {
    const addresses = (await listeningPorts(pid, 2)).map((port) => `127.0.0.1:${port}`);
    const isMetrics = async (address: string): Promise<boolean> =>
      fetch(`http://${address}/metrics`).then(
        ({ ok }) => ok,
        () => false,
      );
    const metrics = await waitFor(
      async () => {
        for (const address of addresses) if (await isMetrics(address)) return address;
        return undefined;
      },
      { what: 'a page of metrics', seen: () => addresses },
    );
    return new Silent(process, addresses.find((address) => address !== metrics) ?? '', metrics);
  }

  async dropped(): Promise<number> {
    return (await metricsPage(this.metrics)).get(DROPPED) ?? -1;
  }

  /** Resolves when it has dropped lines. */
  async untilDropped(): Promise<void> {
    let dropped = 0;
    await waitFor(async () => (dropped = await this.dropped()) > 0, {
      what: 'lines to be dropped',
      timeoutMs: 60_000,
      seen: () => dropped,
    });
  }
}

async function isHealthy({ address }: Silent): Promise<void> {
  expect(await swarm.enjambre(['health', address])).toMatchObject({ code: 0 });
}

/** True if no process listens there. */
async function isClosed(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const socket = createConnection({ host: hostname, port: Number(port) });
  const isOpen = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return !isOpen;
}

/** Makes a tracker log a line for each of `count` files. */
async function share(tracker: Silent, count: number): Promise<void> {
  const client = dialer.client(TrackerServiceClient, tracker.address, 'tracker', {
    'grpc.use_local_subchannel_pool': 1,
  });
  clients.push(client);
  const agent = new TestAgent(client);
  await agent.greet({ name: 'noisy' });
  for (let n = 0; n < count; n++) agent.share(randomBytes(32));
}

async function endsInTime(service: ManagedProcess): Promise<void> {
  const beganAt = performance.now();
  // Sends SIGKILL if it does not exit.
  expect(await service.stop()).toBe(0);
  expect(performance.now() - beganAt).toBeLessThan(GRACE_MS);
}

const messages = (text: string): string[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => String((JSON.parse(line) as { msg: unknown }).msg));

describe('a service whose log cannot be written', () => {
  test.each(['tracker', 'messaging', 'agent'])('%s: a full device from the start on', async (kind) => {
    const args = kind === 'agent' ? ['--data-dir', join(swarm.root, 'agent')] : [];
    const through = shell('>/dev/full 2>/dev/full');
    const service = await Silent.find(swarm.run([kind, ...LISTEN, ...args], { through }));
    const address = kind === 'agent' ? `unix:${join(swarm.root, 'agent')}/agent.sock` : service.address;
    await waitFor(async () => (await swarm.enjambre(['health', address])).code === 0, { what: 'health' });
    await service.untilDropped();
    await endsInTime(service.process);
  });

  test('a file at its size limit', async () => {
    const log = join(swarm.root, 'short.log');
    const tracker = await Silent.find(
      swarm.run(['tracker', ...LISTEN], { through: shell(`>"${log}" 2>&1`, 'ulimit -f 4;') }),
    );
    await share(tracker, 200);
    await tracker.untilDropped();
    await isHealthy(tracker);
    await endsInTime(tracker.process);
    expect((await readFile(log)).length).toBeGreaterThan(1000);
  });

  (whyNoMounts() === '' ? test : test.skip)('a disk that is full for a while', async () => {
    const folder = join(swarm.root, 'disk');
    const through = [...withSmallDisk(folder, 256 << 10), ...shell(`>"${folder}/log"`)];
    const tracker = await Silent.find(swarm.run(['tracker', ...LISTEN], { through }));
    const inside = `/proc/${tracker.process.pid}/root${folder}`;
    await fillUp(join(inside, 'filler'));
    await share(tracker, 200);
    await tracker.untilDropped();
    await isHealthy(tracker);
    await rm(join(inside, 'filler'));
    let text = '';
    const isTold = async (): Promise<string | undefined> => {
      text = await readFile(join(inside, 'log'), 'utf8');
      return messages(text).find((line) => line.includes('dropped'));
    };
    const told = await waitFor(isTold, { what: 'the loss to be reported', seen: () => text.slice(-500) });
    expect(told).toBe(`${await tracker.dropped()} log lines were dropped: no space left on device`);
    await endsInTime(tracker.process);
  });
});

interface StoppedTerminal {
  readonly terminal: ManagedProcess;
  /** Of the tracker. */
  readonly pid: number;
  readonly tracker: Silent;
}

/**
 * A tracker on a terminal where Ctrl-S was pressed, with more lines to write than the terminal accepts.
 *
 * @param starting what the shell on the terminal does to become the tracker: ends with `exec`, or a program that runs another
 */
async function stoppedTerminal(starting: string): Promise<StoppedTerminal> {
  const pidFile = join(swarm.root, 'pid');
  const script = `exec script -qec "echo \\$\\$ > ${pidFile}; stty ixon -echo; ${starting} $*" /dev/null`;
  const args = ['tracker', ...LISTEN, '--log-format', 'pretty'];
  const terminal = swarm.run(args, { through: ['sh', '-c', script, 'sh'], input: true });
  const pid = Number(
    await waitFor(() => readFile(pidFile, 'utf8'), { what: 'its process id', retryErrors: true }),
  );
  const tracker = await Silent.find(terminal, pid);
  await waitFor(() => terminal.stdout.some((line) => line.includes('listening')), {
    what: 'the log on the terminal',
    seen: () => terminal.stdout,
  });
  terminal.write(CTRL_S);
  // Lines for people are shorter.
  await share(tracker, 2 * FLOOD);
  await tracker.untilDropped();
  await isHealthy(tracker);
  return { terminal, pid, tracker };
}

describe('a service whose log is not read', () => {
  /** Reads the available lines, and then more until `is` is true. */
  async function readUntil(fd: number, is: (lines: string[]) => boolean): Promise<string[]> {
    const buffer = Buffer.alloc(1 << 20);
    let text = '';
    return waitFor(
      () => {
        try {
          for (let size = 1; size > 0; text += buffer.toString('latin1', 0, size))
            size = readSync(fd, buffer);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
        }
        const lines = messages(text.slice(0, text.lastIndexOf('\n') + 1));
        return is(lines) && lines;
      },
      { what: 'the log', seen: () => text.slice(-500), everyMs: 5 },
    );
  }

  test('a pipe: serves, reports the loss when it is read again, and otherwise exits in time', async () => {
    const fifo = join(swarm.root, 'fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const tracker = await Silent.find(
        swarm.run(['tracker', ...LISTEN, '--log-level', 'debug'], { through: shell(`>"${fifo}" 2>&1`) }),
      );
      await share(tracker, FLOOD);
      await tracker.untilDropped();
      await isHealthy(tracker);
      const isLoss = (line: string): boolean => / log lines were dropped: the reader is too slow$/.test(line);
      const lines = await readUntil(reader, (all) => all.some(isLoss));
      expect(lines.some((line) => line.includes('listening'))).toBe(true);
      await waitFor(async () => (await swarm.enjambre(['health', tracker.address])).code === 0, {
        what: 'health',
      });
      await share(tracker, FLOOD);
      await isHealthy(tracker);
      await endsInTime(tracker.process);
    } finally {
      closeSync(reader);
    }
  });

  test('a socket: serves, and exits in time', async () => {
    const through = [process.execPath, '-e', HOLD_OUTPUT];
    const holder = swarm.run(['tracker', ...LISTEN], { through });
    const pid = Number(await waitFor(() => holder.stderr[0], { what: 'its process id' }));
    const tracker = await Silent.find(holder, pid);
    await share(tracker, FLOOD);
    await tracker.untilDropped();
    await isHealthy(tracker);
    await endsInTime(holder);
  });

  test('a terminal stopped with Ctrl-S: serves, and exits in time', async () => {
    const { terminal, pid } = await stoppedTerminal('exec');
    const beganAt = performance.now();
    process.kill(pid, 'SIGTERM');
    expect(await terminal.wait()).toBe(0);
    expect(performance.now() - beganAt).toBeLessThan(GRACE_MS);
  });

  describe('a terminal that is writable but cannot be opened again', () => {
    /** Longer than the grace period for a pipe, shorter than that for a disk. */
    const SLOW_MS = 1500;

    /** A tracker whose log is blocked by Ctrl-S; a thread then hangs in a write, as with a slow network disk. */
    function held(): Promise<StoppedTerminal> {
      // Root can open everything, unless it has dropped that capability.
      const drop = '-dac_override,-dac_read_search';
      const isRoot = process.getuid?.() === 0;
      const may = isRoot ? `exec setpriv --bounding-set ${drop} --inh-caps ${drop}` : 'exec';
      return stoppedTerminal(`chmod 0 \\$(tty); ${may}`);
    }

    test('gets a longer grace period than a pipe, and the exit code is correct', async () => {
      const { terminal, pid, tracker } = await held();
      process.kill(pid, 'SIGTERM');
      // It has stopped, and waits for its log.
      await waitFor(() => isClosed(tracker.address), { what: 'the tracker to stop serving', everyMs: 5 });
      await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      expect(terminal.isRunning).toBe(true);
      terminal.write(CTRL_Q);
      expect(await terminal.wait()).toBe(0);
    });

    // Node 20 cannot replace its process image, and its own exit waits for the hanging thread.
    const leaves = (code: number): number => ('execve' in process ? code : 137);

    test('that hangs forever delays the exit only by the grace period for a disk', async () => {
      const { terminal, pid } = await held();
      const beganAt = performance.now();
      process.kill(pid, 'SIGTERM');
      expect(await terminal.wait()).toBe(leaves(0));
      expect(performance.now() - beganAt).toBeGreaterThan(4000);
      expect(performance.now() - beganAt).toBeLessThan(GRACE_MS + 5000);
    });

    test('that hangs forever does not delay a second signal', async () => {
      const { terminal, pid } = await held();
      process.kill(pid, 'SIGTERM');
      process.kill(pid, 'SIGINT');
      const beganAt = performance.now();
      expect([leaves(130), leaves(143)]).toContain(await terminal.wait());
      expect(performance.now() - beganAt).toBeLessThan(4000);
    });
  });

  test('its reader has exited: serves, and exits', async () => {
    const tracker = await Silent.find(
      swarm.run(['tracker', ...LISTEN, '--log-level', 'debug'], {
        through: [
          'sh',
          '-c',
          'mkfifo "$0"; (read -r _ <"$0") & exec "$@" >"$0" 2>&1',
          join(swarm.root, 'fifo'),
        ],
      }),
    );
    await share(tracker, 100);
    await tracker.untilDropped();
    await isHealthy(tracker);
    await endsInTime(tracker.process);
  });
});

describe('a reader that exits first', () => {
  const closed = (redirection: string): readonly string[] => [
    'sh',
    '-c',
    `{ "$@" ${redirection}; echo "it ended with $?" >&3; } | true`,
    'sh',
  ];
  const into = (through: readonly string[]): readonly string[] => [
    'sh',
    '-c',
    'exec 3>&1; exec "$@"',
    'sh',
    ...through,
  ];

  test.each([
    ['a list', ['help'], '2>&1', 0],
    ['an object', ['health', '127.0.0.1:1', '--json'], '2>/dev/null', 0],
    ['an error', ['nonsense'], '2>&1 >/dev/null', 2],
  ])('is no error of the writer %s', async (_, args, redirection, code) => {
    const command = await finish(swarm.run(args, { through: into(closed(redirection)) }));
    expect(command).toMatchObject({ stdout: `it ended with ${code}`, stderr: '' });
  });
});

describe('the last lines of a service', () => {
  test.each([
    ['through pipes', '{ "$@" | cat; } 2>&1 | cat'],
    ['while its log cannot be written', 'exec "$@" >/dev/full'],
  ])('reach the reader %s', async (_, script) => {
    const tracker = await swarm.startTracker();
    const through = ['sh', '-c', script, 'sh'];
    const { stdout, stderr } = await finish(
      swarm.run(['tracker', '--listen', swarm.trackerAddress], { through }),
    );
    expect(stdout + stderr).toMatch(
      /^enjambre: .* is in use by another program: choose another with --listen$/,
    );
    expect(tracker.isRunning).toBe(true);
  });

  test('of its log, too', async () => {
    const through = ['sh', '-c', 'echo $$; exec "$@"', 'sh'];
    const tracker = swarm.run(['tracker', ...LISTEN, '--log-level', 'debug'], {
      through: ['sh', '-c', '("$@") | cat', 'sh', ...through],
    });
    await tracker.waitForLog(({ address }) => typeof address === 'string', 'the tracker to listen');
    const pid = Number(tracker.stdout[0]);
    const silent = await Silent.find(tracker, pid);
    await share(silent, 1000);
    await waitFor(() => tracker.stdout.length > 10, { what: 'some of its lines' });
    process.kill(pid, 'SIGTERM');
    await tracker.wait();
    expect(messages(`${tracker.stdout.slice(1).join('\n')}\n`).at(-1)).toMatch(/peer disconnected/);
  });
});

/** Runs the command in its arguments with a socket as output that it never reads; exits with the command. */
const HOLD_OUTPUT = `
const [program, ...args] = process.argv.slice(1);
const child = require('node:child_process').spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code) => process.exit(code ?? 1));
console.error(child.pid);
`;
