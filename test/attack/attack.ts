import type { Tally } from './tally.js';

/** The victims of an attack: addresses as "HOST:PORT", ids and hashes in hexadecimal digits. */
export interface Targets {
  readonly tracker: string;
  readonly messaging: string;
  readonly seeder: string;
  readonly seederId: string;
  readonly downloader: string;
  readonly downloaderId: string;
  readonly infohash: string;
  /** Path of the metainfo of the honest file. */
  readonly metainfo: string;
  /** Path of the honest file. */
  readonly content: string;
}

/** One run of an attack. */
export interface Run {
  readonly targets: Targets;
  readonly tally: Tally;
  /** The attacker's own address, on the loopback interface. */
  readonly from: string;
  /** Strength of the attack, such as its number of streams. */
  readonly count: number;
  /** Aborted at the end. */
  readonly signal: AbortSignal;
}

/** Attacks until it is aborted, or has nothing left to do. */
export type Attack = (run: Run) => Promise<void>;

/** False once the attack has to end. A function, so that a compiler does not take the answer for constant. */
export function isUnderWay({ signal }: Run): boolean {
  return !signal.aborted;
}
