import type { Hosts } from './hosts.js';

/** How large a run is. */
export interface Size {
  /** Bytes of the honest file. */
  readonly fileBytes: number;
  /** Honest runs of which the median counts, alone and under attack each. */
  readonly runs: number;
  /** Time that an attack lasts at least. */
  readonly leastMs: number;
  /** Messages of an honest run. */
  readonly messages: number;
  /** An honest run under attack ends after this time. */
  readonly deadlineMs: number;
  /** True for a quarter of the strength of each attack. */
  readonly isShort: boolean;
  /** Settings of the messaging service. */
  readonly messagingArgs?: readonly string[];
  /** Settings of the seeder. */
  readonly seederArgs?: readonly string[];
  /** The hosts of the honest side and of the attacker, if these are not one. */
  readonly hosts?: Hosts;
  /** Path of the command of the victims; that of this version if absent. */
  readonly command?: string;
}

const MB = 1_000_000;

/** `make attack`. */
export const FULL: Size = {
  fileBytes: 105 * MB,
  runs: 3,
  leastMs: 8000,
  messages: 100,
  deadlineMs: 60_000,
  isShort: false,
};

/** `make test`. */
export const SHORT: Size = {
  fileBytes: 8 * MB,
  runs: 1,
  leastMs: 1000,
  messages: 10,
  deadlineMs: 30_000,
  isShort: true,
};
