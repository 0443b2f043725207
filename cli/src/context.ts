import type { Readable } from 'node:stream';
import type { Environment } from '@enjambre/common/config/options';
import type { Dialer } from '@enjambre/rpc/dialer';
import type { ConnectionFlags } from './connection.js';
import type { Output, TextStream } from './output.js';

/** What a run of the command takes from its process; tests give their own. */
export interface Context {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** Read by commands that are told to. */
  readonly stdin: Readable;
  /** True if standard input is a terminal: somebody can answer questions. */
  readonly canAsk: boolean;
  readonly environment: Environment;
  /** Throws if it was removed: to be asked for only with a relative path. */
  readonly cwd: string;
  /** Opens all connections. Loaded when it is asked for: many a command opens none. */
  readonly dialer: () => Promise<Dialer>;
  /** Wall clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** Runs `work` with a signal that aborts at Ctrl-C; a second Ctrl-C ends the process. */
  readonly interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

/** What a command that talks with an agent or a tracker works with. */
export interface Session {
  readonly context: Context;
  readonly output: Output;
  readonly connection: ConnectionFlags;
  /** Aborts when the person asks to stop. */
  readonly signal: AbortSignal;
}
