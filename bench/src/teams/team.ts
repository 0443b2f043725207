import { ManagedProcess, type ProcessOptions } from '@enjambre/harness/managed-process';
import type { Cleanup } from '../cleanup.js';

/** A machine, or a network namespace. */
export interface Host {
  /** Where others reach it. */
  readonly address: string;
  /** Command prefix that runs a command there. */
  readonly via: readonly string[];
}

/** This machine, over loopback. */
export const HERE: Host = { address: '127.0.0.1', via: [] };

export interface TeamInit {
  readonly after: Cleanup;
  /** An empty folder for everything that it writes. */
  readonly root: string;
  /** The file or folder to distribute, and a v1 torrent of it. */
  readonly source: string;
  readonly torrent: string;
  /** The host of trackers. */
  readonly home: Host;
  readonly seeder: Host;
  readonly downloaders: readonly Host[];
}

/** The processes of one program: a seeder with the file, and downloaders that wait for an order. */
export interface Team {
  readonly seederPid: number;
  readonly downloaderPids: readonly number[];
  /** Other processes that it needs, such as a tracker. */
  readonly otherPids: readonly number[];
  /** Orders downloader `index` to download. Returns the time of completion, verified, see {@link nowMs}. */
  get(index: number): Promise<number>;
  /** Path of the file or folder at downloader `index`. */
  fileOf(index: number): string;
  /** Removes the download of downloader `index` and deletes it. */
  forget(index: number): Promise<void>;
  /** Sends SIGKILL to downloader `index`. */
  kill(index: number): Promise<void>;
  /** CPU seconds and peak memory of processes that lived only for the last {@link get}. */
  readonly shortLived?: { readonly cpuSeconds: number; readonly peakMiB: number };
  /** Bytes of content that the seeder reports as sent. */
  sentBytes?(): Promise<number>;
}

export type StartTeam = (init: TeamInit) => Promise<Team>;

/** Milliseconds since 1970, with fractions: the clock of all processes here. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Starts a program on a host; `after` kills it, since none needs an orderly stop. */
export function spawnAt(
  { via }: Host,
  [program, ...args]: readonly [string, ...string[]],
  { after, ...options }: ProcessOptions & { after: Cleanup },
): ManagedProcess {
  const [first, ...rest] = [...via, program, ...args];
  const child = new ManagedProcess(first ?? program, rest, options);
  after.defer(() => child.kill());
  return child;
}
