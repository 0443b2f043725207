import { Readable } from 'node:stream';
import type { Environment } from '@enjambre/common/config/options';
import { dialer } from '@enjambre/harness/dialer';
import type { Context } from '../src/context.js';
import type { TextStream } from '../src/output.js';
import { run } from '../src/program.js';

export interface CliOptions {
  readonly environment?: Environment;
  readonly cwd?: string;
  /** Standard input, in chunks; not a terminal. */
  readonly stdin?: readonly Uint8Array[];
  /** Standard output and error are a terminal with this number of columns. */
  readonly columns?: number;
  /** Standard output is not that terminal. @default false */
  readonly redirected?: boolean;
  /** Stands for Ctrl-C. */
  readonly interrupt?: AbortController;
  /** Called after each write with all output so far. */
  readonly onOutput?: (output: string) => void;
}

export interface CliResult {
  readonly code: number;
  /** Raw bytes are one character each. */
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as objects, one per line. */
  readonly objects: () => Record<string, unknown>[];
}

/** Runs the command in this process and captures its output. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  let stdout = '';
  let stderr = '';
  const terminal = options.columns !== undefined && { isTTY: true, columns: options.columns };
  const out: TextStream = {
    write: (text, written) => {
      stdout += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
      options.onOutput?.(stdout + stderr);
      written?.();
    },
    ...(options.redirected !== true && terminal),
  };
  const context: Context = {
    stdout: out,
    stdin: Readable.from(options.stdin ?? []),
    stderr: {
      write: (text) => {
        stderr += String(text);
        options.onOutput?.(stdout + stderr);
      },
      ...terminal,
    },
    canAsk: false,
    environment: { NO_COLOR: '1', ...options.environment },
    cwd: options.cwd ?? '/',
    dialer: () => Promise.resolve(dialer),
    now: Date.now,
    interruptible: (work) => work((options.interrupt ?? new AbortController()).signal),
  };
  const code = await run(args, context);
  const objects = (): Record<string, unknown>[] =>
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { code, stdout, stderr, objects };
}
