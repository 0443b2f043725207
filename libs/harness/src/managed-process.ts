import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { waitFor } from './wait-for.js';

export interface ProcessOptions {
  readonly cwd?: string;
  /** Added to this process's own environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Opens a standard input for {@link ManagedProcess.write}, which ends with this process. @default false */
  readonly input?: boolean;
}

const STOP_TIMEOUT_MS = 10_000;

/** A child process that can be stopped reliably, and whose output is kept line by line. */
export class ManagedProcess {
  readonly #child: ChildProcess;
  readonly #exit: Promise<number>;
  #exitCode: number | undefined;
  /** Lines of standard output so far. */
  readonly stdout: string[] = [];
  /** Lines of standard error so far. */
  readonly stderr: string[] = [];

  constructor(command: string, args: readonly string[], { cwd, env, input }: ProcessOptions = {}) {
    this.#child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    const ends = [keepLines(this.#child.stdout, this.stdout), keepLines(this.#child.stderr, this.stderr)];
    this.#exit = new Promise<number>((resolve, reject) => {
      this.#child.on('error', reject);
      this.#child.on('exit', (code, signal) => {
        this.#exitCode = code ?? (signal === 'SIGKILL' ? 137 : 143);
        void Promise.all(ends).then(() => {
          resolve(this.#exitCode ?? 1);
        });
      });
    });
    this.#exit.catch(() => undefined);
    // A write to an ended process fails; its exit code reports the end.
    this.#child.stdin?.on('error', () => undefined);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#exitCode === undefined;
  }

  /** Resolves with the exit code when the process and its output have ended. */
  wait(): Promise<number> {
    return this.#exit;
  }

  /** Writes a line to its standard input. Throws if it was started without one. */
  write(line: string): void {
    if (!this.#child.stdin) throw new Error('the process was started without an input');
    this.#child.stdin.write(`${line}\n`);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Sends SIGKILL and waits for the exit. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit.catch(() => undefined);
  }

  /** Sends SIGTERM, and after a timeout SIGKILL. Returns the exit code. */
  async stop(): Promise<number> {
    if (this.isRunning) {
      this.#child.kill('SIGTERM');
      // A process stopped by SIGSTOP handles no other signal before this.
      this.#child.kill('SIGCONT');
    }
    const timer = setTimeout(() => {
      this.#child.kill('SIGKILL');
    }, STOP_TIMEOUT_MS);
    try {
      return await this.#exit;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits for a line of JSON on standard output, such as a log line, for which `pick` returns a value. */
  async waitForLog<T>(
    pick: (entry: Record<string, unknown>) => T | undefined,
    what: string,
    timeoutMs = 20_000,
  ): Promise<T> {
    let seen = 0;
    return waitFor(
      () => {
        for (; seen < this.stdout.length; seen++) {
          const found = pick(parse(this.stdout[seen] ?? ''));
          if (found !== undefined && found !== false) return found;
        }
        if (!this.isRunning)
          throw new Error(
            `the process ended with ${this.#exitCode ?? -1} before ${what}:\n${this.#output()}`,
          );
        return undefined;
      },
      { what, timeoutMs, seen: () => `\n${this.#output()}` },
    );
  }

  #output(): string {
    return [...this.stdout, ...this.stderr].slice(-20).join('\n');
  }
}

function parse(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function keepLines(stream: NodeJS.ReadableStream | null, lines: string[]): Promise<void> {
  if (!stream) return Promise.resolve();
  const reader = createInterface({ input: stream });
  reader.on('line', (line) => lines.push(line));
  return new Promise((resolve) => reader.on('close', resolve));
}
