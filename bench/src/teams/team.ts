import { ManagedProcess, type ProcessOptions } from '@enjambre/harness/managed-process';
import type { Cleanup } from '../cleanup.js';

/** A machine, or what stands for one. */
export interface Host {
  /** Where others reach it. */
  readonly address: string;
  /** A command that runs the rest of its line there. */
  readonly via: readonly string[];
}

/** This machine, over loopback. */
export const HERE: Host = { address: '127.0.0.1', via: [] };

export interface TeamInit {
  readonly after: Cleanup;
  /** An empty folder for all that it writes. */
  readonly root: string;
  /** The file or folder to distribute, and a v1 torrent of it. */
  readonly source: string;
  readonly torrent: string;
  /** Where trackers run. */
  readonly home: Host;
  readonly seeder: Host;
  readonly downloaders: readonly Host[];
}

/** The processes of one program: a seeder that has the file, and downloaders that wait for an order. */
export interface Team {
  readonly seederPid: number;
  readonly downloaderPids: readonly number[];
  /** Others that it needs, such as a tracker. */
  readonly otherPids: readonly number[];
  /** Orders downloader `index` to download. Returns when the file was complete and verified, see {@link nowMs}. */
  get(index: number): Promise<number>;
  /** Where downloader `index` puts the file or folder. */
  fileOf(index: number): string;
  /** Downloader `index` forgets the file and deletes it. */
  forget(index: number): Promise<void>;
  /** SIGKILL for downloader `index`. */
  kill(index: number): Promise<void>;
  /** CPU seconds and peak memory of processes that lived only for the last {@link get}. */
  readonly shortLived?: { readonly cpuSeconds: number; readonly peakMiB: number };
  /** Bytes of content that the seeder says it sent. */
  sentBytes?(): Promise<number>;
}

export type StartTeam = (init: TeamInit) => Promise<Team>;

/** Milliseconds since 1970, with fractions: the clock of all processes here. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Starts a program at a host; `after` kills it: none has anything to put in order. */
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
