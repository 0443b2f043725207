/**
 * Causes that the time of a download is accounted to; at each moment exactly one applies:
 *
 * - `metainfo`: finding a peer that supplies the metainfo
 * - `checking`: reading and hashing data on disk, and making room for the rest
 * - `tracker`: no peer is known, and the tracker, which could list some, is unreachable
 * - `no-source`: no peer is reachable, or no reachable peer has a wanted piece
 * - `uploaders`: uploaders have no free slot, or hold blocks back because others get them first
 * - `own-limit`: the rate limit of this agent or transfer
 * - `disk`: received blocks wait to be hashed and written
 * - `sources`: everything allowed is requested; the sources, or the network, are not faster
 * - `finishing`: the final sync to disk, and the move into place
 * - `missing`: waiting for files that were present and no longer are
 * - `paused`, `failed`: the transfer was stopped
 * - `off`: the agent was not running
 */
export const CAUSES = [
  'metainfo',
  'checking',
  'tracker',
  'no-source',
  'uploaders',
  'own-limit',
  'disk',
  'sources',
  'finishing',
  'missing',
  'paused',
  'failed',
  'off',
] as const;
export type Cause = (typeof CAUSES)[number];

/** Events that went wrong, each counted. */
export const MISHAPS = [
  /** Pieces that failed verification and were fetched again. */
  'hash-failure',
  /** Requests refused by an uploader. */
  'refusal',
  /** Requests given up, mostly to ask another peer. */
  'withdrawal',
  /** Repeated links to the same peer. */
  'reconnection',
  /** Links that failed before they were established. */
  'unreachable',
  /** Peers banned. */
  'ban',
] as const;
export type Mishap = (typeof MISHAPS)[number];

/** Milliseconds spent on a cause, and how many of them passed without a byte received. */
export interface TimeSpent {
  readonly ms: number;
  /** At most `ms`. */
  readonly stalledMs: number;
}

/** The time account of a download, as it is persisted. */
export interface AccountRecord {
  /** An absent cause took no time. */
  readonly spent: Readonly<Partial<Record<Cause, TimeSpent>>>;
  readonly mishaps: Readonly<Partial<Record<Mishap, number>>>;
  /** Bytes of blocks received twice. */
  readonly duplicateBytes: number;
  /** Milliseconds into the download until the metainfo was known, and until its first block; -1 before that. */
  readonly metainfoAtMs: number;
  readonly firstByteAtMs: number;
  /** When the account was last saved, in milliseconds since the Unix epoch. */
  readonly untilMs: number;
}

/** An empty account. */
export const NO_ACCOUNT: AccountRecord = {
  spent: {},
  mishaps: {},
  duplicateBytes: 0,
  metainfoAtMs: -1,
  firstByteAtMs: -1,
  untilMs: 0,
};
