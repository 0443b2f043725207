import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManagedProcess, type ProcessOptions } from './managed-process.js';

/** The command as it was built. */
const ENJAMBRE = fileURLToPath(new URL('../../../cli/bin/enjambre.js', import.meta.url));

/** How a command of the `enjambre` command line ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Lines of standard output that are JSON objects. */
  readonly json: readonly Record<string, unknown>[];
}

export interface SwarmAgent {
  readonly name: string;
  readonly dataDir: string;
  readonly downloadDir: string;
  /** "HOST:PORT" where it serves other agents. */
  readonly address: string;
  process: ManagedProcess;
}

export interface RunOptions extends ProcessOptions {
  /**
   * A program with its arguments that becomes the command given after them, such as
   * `prlimit --nofile=96` or `ip netns exec NAME`: it must keep its process id.
   */
  readonly through?: readonly string[];
  /** How long an agent may take until it listens. @default 20 s */
  readonly listenMs?: number;
}

/** Something else that is to end with a swarm. */
export interface Stoppable {
  stop(): Promise<void>;
}

export interface SwarmInit {
  /** Where everything is kept; a temporary folder if absent. */
  readonly parent?: string;
}

/**
 * Real processes on this machine: a tracker and agents, started with the built command on
 * ports that the system chooses, each with folders of its own below one that is removed
 * at the end. Nothing outlives {@link stop}.
 */
export class ProcessSwarm {
  readonly #processes = new Set<ManagedProcess>();
  readonly #agents = new Map<string, SwarmAgent>();
  readonly #guests: Stoppable[] = [];
  #tracker: ManagedProcess | undefined;
  #stopped = false;
  #trackerAddress = '';
  #messaging: ManagedProcess | undefined;
  #messagingAddress = '';

  private constructor(readonly root: string) {}

  static async create({ parent = tmpdir() }: SwarmInit = {}): Promise<ProcessSwarm> {
    return new ProcessSwarm(await mkdtemp(join(parent, 'enjambre-')));
  }

  get trackerAddress(): string {
    return this.#trackerAddress;
  }

  get tracker(): ManagedProcess {
    if (!this.#tracker) throw new Error('no tracker was started');
    return this.#tracker;
  }

  /** Starts the tracker; again at the same address if it was started before. */
  async startTracker(args: readonly string[] = [], options: RunOptions = {}): Promise<ManagedProcess> {
    const listen = this.#trackerAddress || '127.0.0.1:0';
    const tracker = this.run(['tracker', '--listen', listen, '--log-format', 'json', ...args], options);
    this.#tracker = tracker;
    this.#trackerAddress = await tracker.waitForLog(addressOf, 'the tracker to listen');
    return tracker;
  }

  /** Agents that are started later use these trackers, which are started and stopped elsewhere. */
  useTrackers(addresses: readonly string[]): void {
    this.#trackerAddress = addresses.join(',');
  }

  get messaging(): ManagedProcess {
    if (!this.#messaging) throw new Error('no messaging service was started');
    return this.#messaging;
  }

  /** Starts the messaging service, which agents started later use; again at the same address if it was started before. */
  async startMessaging(args: readonly string[] = []): Promise<ManagedProcess> {
    const listen = this.#messagingAddress || '127.0.0.1:0';
    const messaging = this.run(['messaging', '--listen', listen, '--log-format', 'json', ...args]);
    this.#messaging = messaging;
    this.#messagingAddress = await messaging.waitForLog(addressOf, 'the messaging service to listen');
    return messaging;
  }

  get messagingAddress(): string {
    return this.#messagingAddress;
  }

  /** Where an agent of that name has its files, started or not. */
  foldersOf(name: string): Pick<SwarmAgent, 'dataDir' | 'downloadDir'> {
    return { dataDir: join(this.root, name), downloadDir: join(this.root, `${name}-files`) };
  }

  /** Starts an agent; again on the same folders and address if one of that name was started before. */
  async startAgent(
    name: string,
    args: readonly string[] = [],
    options: RunOptions = {},
  ): Promise<SwarmAgent> {
    const before = this.#agents.get(name);
    const { dataDir, downloadDir } = this.foldersOf(name);
    const listen = before?.address ?? '127.0.0.1:0';
    const command = [
      'agent',
      ...['--name', name, '--data-dir', dataDir, '--download-dir', downloadDir],
      ...['--listen', listen, '--tracker', this.#trackerAddress, '--log-format', 'json'],
      ...(this.#messagingAddress === '' ? [] : ['--messaging', this.#messagingAddress]),
      ...args,
    ];
    const { listenMs, ...others } = options;
    const process = this.run(command, others);
    const address = await process.waitForLog(addressOf, `agent ${name} to listen`, listenMs);
    const agent = { name, dataDir, downloadDir, address, process };
    this.#agents.set(name, agent);
    return agent;
  }

  /** Starts the `enjambre` command with any arguments, and nothing of this process's own settings. */
  run(
    args: readonly string[],
    { cwd = this.root, env, through = [], ...options }: RunOptions = {},
  ): ManagedProcess {
    const [program = '', ...rest] = [...through, process.execPath, ENJAMBRE, ...args];
    return this.spawn(program, rest, { ...options, cwd, env: { ...noSettings(), ...env } });
  }

  /** Starts any other program; it ends with the swarm, too. */
  spawn(program: string, args: readonly string[], options: ProcessOptions = {}): ManagedProcess {
    if (this.#stopped) throw new Error('the swarm was stopped');
    const child = new ManagedProcess(program, args, options);
    this.#processes.add(child);
    void child
      .wait()
      .finally(() => this.#processes.delete(child))
      .catch(() => undefined);
    return child;
  }

  /** Starts a command that talks to an agent. */
  start(agent: SwarmAgent, args: readonly string[]): ManagedProcess {
    return this.run([...args, '--agent', `unix:${agent.dataDir}/agent.sock`]);
  }

  /** Runs a command that talks to an agent, to its end. */
  command(agent: SwarmAgent, args: readonly string[]): Promise<CommandResult> {
    return finish(this.start(agent, args));
  }

  /** Runs the `enjambre` command with any arguments, to its end. */
  enjambre(args: readonly string[], options: ProcessOptions = {}): Promise<CommandResult> {
    return finish(this.run(args, options));
  }

  /** Has `guest` stopped when the swarm is, after its processes. Returns it. */
  add<T extends Stoppable>(guest: T): T {
    this.#guests.push(guest);
    return guest;
  }

  /** Stops every process and removes every file. None is started any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#processes].map((child) => child.stop().catch(() => undefined)));
    await Promise.all(this.#guests.map((guest) => guest.stop()));
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Waits for the end of a command and collects what it said. */
export async function finish(child: ManagedProcess): Promise<CommandResult> {
  const code = await child.wait();
  const json = child.stdout.flatMap((line) => {
    try {
      return [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
  return { code, stdout: child.stdout.join('\n'), stderr: child.stderr.join('\n'), json };
}

/** Takes away what would change how the command behaves: its own variables, and those of the test runner. */
function noSettings(): Record<string, undefined> {
  const names = Object.keys(process.env).filter(
    (name) => name.startsWith('ENJAMBRE_') || name === 'NODE_OPTIONS',
  );
  return Object.fromEntries(names.map((name) => [name, undefined]));
}

function addressOf(entry: Record<string, unknown>): string | undefined {
  return typeof entry['address'] === 'string' ? entry['address'] : undefined;
}
