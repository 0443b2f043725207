import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManagedProcess, type ProcessOptions } from './managed-process.js';

/** The built command. */
export const ENJAMBRE = fileURLToPath(new URL('../../../cli/bin/enjambre.js', import.meta.url));

/** Result of an `enjambre` command. */
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
  /** "HOST:PORT" at which it serves other agents. */
  readonly address: string;
  process: ManagedProcess;
}

export interface RunOptions extends ProcessOptions {
  /**
   * A program with arguments that replaces itself by the command given after them, such as `prlimit
   * --nofile=96` or `ip netns exec NAME`: it must keep its process id.
   */
  readonly through?: readonly string[];
  /** Time for an agent to listen. @default 20 s */
  readonly listenMs?: number;
}

/** A part that is stopped with a swarm. */
export interface Stoppable {
  stop(): Promise<void>;
}

export interface SwarmInit {
  /** Parent folder of all files; a temporary folder if absent. */
  readonly parent?: string;
  /** Path of the command, such as that of an older version. @default the built command of this version */
  readonly command?: string;
}

/**
 * Real processes on this machine: a tracker and agents, started with the built command on ports chosen by the
 * system, each with its own folders below a root that is removed at the end. No process outlives
 * {@link stop}.
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

  private constructor(
    readonly root: string,
    private readonly enjambrePath: string,
  ) {}

  static async create({ parent = tmpdir(), command = ENJAMBRE }: SwarmInit = {}): Promise<ProcessSwarm> {
    return new ProcessSwarm(await mkdtemp(join(parent, 'enjambre-')), command);
  }

  get trackerAddress(): string {
    return this.#trackerAddress;
  }

  get tracker(): ManagedProcess {
    if (!this.#tracker) throw new Error('no tracker was started');
    return this.#tracker;
  }

  /** Starts the tracker; a restart uses the same address. */
  async startTracker(args: readonly string[] = [], options: RunOptions = {}): Promise<ManagedProcess> {
    const listen = this.#trackerAddress || '127.0.0.1:0';
    const tracker = this.run(['tracker', '--listen', listen, '--log-format', 'json', ...args], options);
    this.#tracker = tracker;
    this.#trackerAddress = await tracker.waitForLog(addressOf, 'the tracker to listen');
    return tracker;
  }

  /** Makes agents that are started later use these trackers, which this swarm does not manage. */
  useTrackers(addresses: readonly string[]): void {
    this.#trackerAddress = addresses.join(',');
  }

  get messaging(): ManagedProcess {
    if (!this.#messaging) throw new Error('no messaging service was started');
    return this.#messaging;
  }

  /** Starts the messaging service, which agents started later use; a restart uses the same address. */
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

  /** The folders of an agent by its name, started or not. */
  foldersOf(name: string): Pick<SwarmAgent, 'dataDir' | 'downloadDir'> {
    return { dataDir: join(this.root, name), downloadDir: join(this.root, `${name}-files`) };
  }

  /** Starts an agent; a restart under the same name uses the same folders and address. */
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

  /** Starts the `enjambre` command with any arguments, without settings from this process's environment. */
  run(
    args: readonly string[],
    { cwd = this.root, env, through = [], ...options }: RunOptions = {},
  ): ManagedProcess {
    const [program = '', ...rest] = [...through, process.execPath, this.enjambrePath, ...args];
    const own = { ENJAMBRE_OPERATOR_TOKEN_FILE: join(this.root, 'operator.token') };
    return this.spawn(program, rest, { ...options, cwd, env: { ...noSettings(), ...own, ...env } });
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

  /** Starts a command for an agent. */
  start(agent: SwarmAgent, args: readonly string[]): ManagedProcess {
    return this.run([...args, '--agent', `unix:${agent.dataDir}/agent.sock`]);
  }

  /** Runs a command for an agent to its end. */
  command(agent: SwarmAgent, args: readonly string[]): Promise<CommandResult> {
    return finish(this.start(agent, args));
  }

  /** Runs the `enjambre` command with any arguments, to its end. */
  enjambre(args: readonly string[], options: ProcessOptions = {}): Promise<CommandResult> {
    return finish(this.run(args, options));
  }

  /** Stops `guest` with the swarm, after its processes. Returns it. */
  add<T extends Stoppable>(guest: T): T {
    this.#guests.push(guest);
    return guest;
  }

  /** Stops every process and removes every file. No process can be started afterwards. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#processes].map((child) => child.stop().catch(() => undefined)));
    await Promise.all(this.#guests.map((guest) => guest.stop()));
    await rm(this.root, { recursive: true, force: true });
  }
}

/** Waits for the end of a command and collects its output. */
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

/** Variables without which the command behaves as on a fresh machine: its own, and those of the test runner. */
export function noSettings(): Record<string, string | undefined> {
  const names = Object.keys(process.env).filter(
    (name) => name.startsWith('ENJAMBRE_') || ['NODE_OPTIONS', 'NO_COLOR', 'FORCE_COLOR'].includes(name),
  );
  const unset = Object.fromEntries(names.map((name) => [name, undefined]));
  // Nor does a user's configuration file apply.
  return { ...unset, XDG_CONFIG_HOME: join(tmpdir(), 'enjambre-no-config') };
}

function addressOf(entry: Record<string, unknown>): string | undefined {
  return typeof entry['address'] === 'string' ? entry['address'] : undefined;
}
