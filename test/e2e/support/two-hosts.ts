import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ManagedProcess } from '@enjambre/harness/managed-process';
import { waitFor } from '@enjambre/harness/wait-for';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const isRoot = process.getuid?.() === 0;
/** New namespaces for processes, mounts, host name and network; all of it ends with its first process. */
const UNSHARE = ['--net', '--uts', '--pid', '--fork', '--kill-child', '--mount-proc'];
/** Without root, a new user namespace gives the same rights. */
const AS_ROOT = ['--user', '--map-root-user'];

export type Family = 'IPv4' | 'IPv6';

/** Result of a typed command. */
export interface Typed {
  readonly code: number;
  /** Standard output and error, including output of background programs. */
  readonly said: string;
}

/** Why hosts cannot be created on this machine; empty if they can. */
export function whyNoHosts(): string {
  const link = 'ip link add eth0 type veth peer name eth1 && mount -t tmpfs none /mnt';
  const args = [...(isRoot ? [] : AS_ROOT), ...UNSHARE, 'sh', '-c', link];
  const { status, stderr, error } = spawnSync('unshare', args, { encoding: 'utf8' });
  return status === 0
    ? ''
    : `this machine lets no process have a network (${error?.message ?? stderr.trim()})`;
}

/** A host with a shell: separate network, names, processes and home folder; the rest is shared with this machine. */
export class Host {
  readonly home: string;
  readonly #shell: ManagedProcess;
  #typed = 0;

  /** @param folder private folder; `through` gives it the rights of root */
  constructor(
    readonly name: string,
    readonly folder: string,
    through: readonly string[],
  ) {
    this.home = join(folder, 'home');
    mkdirSync(this.home, { recursive: true });
    const [program, ...args] = [...through, 'unshare', ...UNSHARE, 'bash'];
    const settings = Object.keys(process.env).filter((key) => /^(ENJAMBRE_|NODE_OPTIONS$)/.test(key));
    const env = {
      ...Object.fromEntries(settings.map((key) => [key, undefined])),
      ...{
        HOME: this.home,
        XDG_DATA_HOME: undefined,
        XDG_CONFIG_HOME: undefined,
        XDG_RUNTIME_DIR: undefined,
      },
    };
    this.#shell = new ManagedProcess(program, args, { cwd: ROOT, env, input: true });
  }

  /** Process id, on this machine, of the process that owns its network. */
  get pid(): number {
    return this.#shell.pid;
  }

  /** Types a line verbatim, and waits for the shell's next prompt. */
  async type(line: string): Promise<Typed> {
    this.#typed += 1;
    const [from, mark] = [this.#shell.stdout.length, `@@${this.#typed}@`];
    this.#shell.write(`{ ${line}\n} </dev/null 2>&1; code=$?; echo; echo "${mark}$code"`);
    const end = await waitFor(
      () => {
        const at = this.#shell.stdout.findIndex((said, index) => index >= from && said.startsWith(mark));
        if (at < 0 && !this.#shell.isRunning) throw new Error(`${this.name} has exited: ${this.tail}`);
        return at < 0 ? undefined : at;
      },
      { what: `the end of "${line}" on ${this.name}`, timeoutMs: 60_000 },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; its last output was\n${this.tail}`);
    });
    const said = this.#shell.stdout.slice(from, end).join('\n').trim();
    return { code: Number(this.#shell.stdout[end]?.slice(mark.length)), said };
  }

  /** {@link type}s a line that must succeed. Returns its output. */
  async must(line: string): Promise<string> {
    const { code, said } = await this.type(line);
    if (code !== 0) throw new Error(`"${line}" exited with ${code} on ${this.name}:\n${said}`);
    return said;
  }

  /** Types a line that runs in the background, and waits until the output matches all patterns. */
  async begin(line: string, ...until: readonly RegExp[]): Promise<void> {
    const from = this.#shell.stdout.length;
    await this.must(line.endsWith('&') ? line : `${line} &`);
    await waitFor(
      () => until.every((pattern) => this.#shell.stdout.slice(from).some((said) => pattern.test(said))),
      { what: `${until.join(' and ')} on ${this.name}`, timeoutMs: 60_000 },
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; its last output was\n${this.tail}`);
    });
  }

  /** Stops all background programs with SIGTERM. */
  async endJobs(): Promise<void> {
    await this.must('kill $(jobs -p); wait');
  }

  /** Lines of output so far. */
  get log(): readonly string[] {
    return this.#shell.stdout;
  }

  get tail(): string {
    return [...this.#shell.stdout, ...this.#shell.stderr].slice(-30).join('\n');
  }

  /** Stops its shell, and with it all its processes. */
  async stop(): Promise<void> {
    if (this.#shell.isRunning) this.#shell.write('exit 0');
    const timer = setTimeout(() => void this.#shell.kill(), 5000);
    await this.#shell.wait().catch(() => undefined);
    clearTimeout(timer);
  }
}

const ADDRESSES: Readonly<Record<Family, readonly [string, string]>> = {
  IPv4: ['10.99.0.1', '10.99.0.2'],
  IPv6: ['fd99::1', 'fd99::2'],
};

/** Two hosts connected by a cable. Nothing is left of them after {@link stop}, or after the end of this process. */
export class TwoHosts {
  private constructor(
    private readonly folder: string,
    private readonly users: ManagedProcess | undefined,
    readonly first: Host,
    readonly second: Host,
  ) {}

  /** @param names further names of the first host, which is first-machine */
  static async build(family: Family, ...names: readonly string[]): Promise<TwoHosts> {
    const folder = mkdtempSync(join(tmpdir(), 'enjambre-hosts-'));
    const users = isRoot ? undefined : new ManagedProcess('unshare', [...AS_ROOT, 'cat'], { input: true });
    const through = users && [
      'nsenter',
      '--target',
      String(users.pid),
      '--user',
      '--preserve-credentials',
      '--',
    ];
    if (users) await waitFor(() => isMapped(users.pid), { what: 'a user namespace' });
    const host = (name: string): Host => new Host(name, join(folder, name), through ?? []);
    const hosts = new TwoHosts(folder, users, host('first-machine'), host('second-machine'));
    try {
      await hosts.#connect(family, names);
    } catch (error) {
      await hosts.stop();
      throw error;
    }
    return hosts;
  }

  /** The hosts file of both; additions take effect at once. */
  get table(): string {
    return join(this.folder, 'hosts');
  }

  async stop(): Promise<void> {
    await Promise.all([this.first.stop(), this.second.stop()]);
    await this.users?.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #connect(family: Family, names: readonly string[]): Promise<void> {
    const { first, second } = this;
    const [one, two] = ADDRESSES[family];
    const table = [
      '127.0.0.1 localhost',
      '::1 localhost',
      [one, first.name, ...names].join(' '),
      `${two} ${second.name}`,
    ];
    writeFileSync(this.table, `${table.join('\n')}\n`);
    for (const host of [first, second]) await this.#settle(host);
    await first.must(`ip link add eth0 type veth peer name eth1`);
    // Connecting the cable requires the process ids of both hosts.
    const inside = [
      '--target',
      String(first.pid),
      ...(isRoot ? [] : ['--user', '--preserve-credentials']),
      '--net',
    ];
    const plug = ['ip', 'link', 'set', 'eth1', 'netns', String(second.pid), 'name', 'eth0'];
    execFileSync('nsenter', [...inside, ...plug], { stdio: 'pipe' });
    const mask = family === 'IPv4' ? '/24' : '/64 nodad';
    for (const [host, address] of [
      [first, one],
      [second, two],
    ] as const)
      await host.must(`ip addr add ${address}${mask} dev eth0 && ip link set eth0 up`);
  }

  /** Sets a host's name, its hosts file, and private folders for those in the README. */
  async #settle(host: Host): Promise<void> {
    const commands = [`hostname ${host.name}`, 'ip link set lo up', `mount --bind ${this.table} /etc/hosts`];
    for (const path of ['/srv', '/var/lib']) {
      mkdirSync(join(host.folder, path), { recursive: true });
      commands.push(`mount --bind ${host.folder}${path} ${path}`);
    }
    await host.must(commands.join(' && '));
  }
}

function isMapped(pid: number): boolean {
  const { status } = spawnSync('nsenter', [
    '--target',
    String(pid),
    '--user',
    '--preserve-credentials',
    'true',
  ]);
  return status === 0;
}
