import type { Readable } from 'node:stream';
import type { ConfigFile } from '@enjambre/common/config/config-file';
import type { Environment } from '@enjambre/common/config/options';
import type { TlsPaths } from '@enjambre/common/trust/tls-store';
import type { Dialer } from '@enjambre/rpc/dialer';
import type { ConnectionFlags } from './connection.js';
import type { Output, TextStream } from './output.js';

/** The parts of the process that a command uses; tests pass their own. */
export interface Context {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  /** Read only if an argument is `-`. */
  readonly stdin: Readable;
  /** True if standard input is a terminal, so that prompts can be answered. */
  readonly canAsk: boolean;
  readonly environment: Environment;
  /** Throws if the folder was removed: read it only to resolve a relative path. */
  readonly cwd: string;
  /**
   * Opens all connections; loaded on first use, since several commands open none.
   *
   * @param tls certificate files; without it, in plaintext
   */
  readonly dialer: (tls?: TlsPaths) => Promise<Dialer>;
  /** Wall clock, in milliseconds since 1970. */
  readonly now: () => number;
  /** Runs `work` with a signal that aborts at Ctrl-C; a second Ctrl-C ends the process. */
  readonly interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

/** Collaborators of a command that calls an agent or a tracker. */
export interface Session {
  readonly context: Context;
  readonly output: Output;
  readonly connection: ConnectionFlags;
  /** Absent if there is none, or if the command calls no agent. */
  readonly config?: ConfigFile | undefined;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
}
