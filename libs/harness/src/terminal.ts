import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';
import { ENJAMBRE, noSettings } from './swarm.js';

export interface TerminalOptions {
  /** @default 80 */
  readonly columns?: number;
  /** @default 24 */
  readonly rows?: number;
  readonly cwd?: string;
  /** Added to this process's own environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const STOP_TIMEOUT_MS = 10_000;
const CTRL_C = '\u0003';

/** An `enjambre` command on a pseudo-terminal, which Debian's `script` opens. */
export class Terminal {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number>;
  #output = '';

  constructor(args: readonly string[], { columns = 80, rows = 24, cwd, env }: TerminalOptions = {}) {
    const command = [process.execPath, ENJAMBRE, ...args].map(quoted).join(' ');
    const inside = `stty cols ${columns} rows ${rows} && exec ${command}`;
    this.#child = spawn('script', ['--quiet', '--flush', '--return', '--command', inside, '/dev/null'], {
      cwd,
      env: {
        ...process.env,
        ...noSettings(),
        SHELL: '/bin/sh',
        TERM: 'xterm-256color',
        ...env,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    this.#child.stdin?.on('error', () => undefined);
    this.#exit = once(this.#child, 'close').then(([code]) => (typeof code === 'number' ? code : 1));
    this.#exit.catch(() => undefined);
  }

  /** All that was written to the terminal, as it was. */
  get output(): string {
    return this.#output;
  }

  /** The same without colours and cursor movements, and with plain line ends. */
  get text(): string {
    return stripVTControlCharacters(this.#output).replaceAll('\r\n', '\n');
  }

  /** Types keys, such as "q" or "\u0003" (Ctrl-C). */
  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Sends a signal to the command itself. */
  signalInside(name: NodeJS.Signals): void {
    const [pid = ''] = readFileSync(
      `/proc/${this.#child.pid}/task/${this.#child.pid}/children`,
      'utf8',
    ).split(' ');
    process.kill(Number(pid), name);
  }

  /** The exit code of the command. */
  wait(): Promise<number> {
    return this.#exit;
  }

  /** Types Ctrl-C until the command ends; kills it if it does not end in time. */
  async stop(): Promise<number> {
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    if (this.#child.exitCode === null) this.type(CTRL_C);
    return this.#exit.finally(() => {
      clearTimeout(killer);
    });
  }
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
