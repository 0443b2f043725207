/**
 * What the time of a download may be spent on; at each moment it is one of these:
 *
 * - `metainfo`: finding a peer that says what the file is
 * - `checking`: reading and hashing what is on disk, and making room for the rest
 * - `tracker`: there is nobody to ask, and the tracker, which could name somebody, is away
 * - `no-source`: nobody can be reached, or nobody that can has what is wanted
 * - `uploaders`: those who have it have no slot free, or hold it back since others get it first
 * - `own-limit`: the rate that this agent or transfer was allowed
 * - `disk`: what came waits to be hashed and written
 * - `sources`: all is asked for that may be; the sources, or the network, give no more
 * - `finishing`: the last sync to disk, and the move to its place
 * - `missing`: what was there already is not there any more, and is waited for
 * - `paused`, `failed`: it was not to run
 * - `off`: the agent did not run
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

/** Things that went wrong, each counted. */
export const MISHAPS = [
  /** Pieces that did not hash to their root and were fetched again. */
  'hash-failure',
  /** Requests that an uploader refused. */
  'refusal',
  /** Requests given up, mostly to ask another. */
  'withdrawal',
  /** Links to a peer that there had been one to before. */
  'reconnection',
  /** Links that ended before they began. */
  'unreachable',
  /** Peers banned. */
  'ban',
] as const;
export type Mishap = (typeof MISHAPS)[number];

/** Milliseconds that went to a cause, and in how many of them no byte came. */
export interface TimeSpent {
  readonly ms: number;
  /** At most `ms`. */
  readonly stalledMs: number;
}

/** The account of a download, as it outlives the process. */
export interface AccountRecord {
  /** A cause that is not there took no time. */
  readonly spent: Readonly<Partial<Record<Cause, TimeSpent>>>;
  readonly mishaps: Readonly<Partial<Record<Mishap, number>>>;
  /** Bytes of blocks that came when they were there already. */
  readonly duplicateBytes: number;
  /** Milliseconds of the download until it was known what the file is, and until its first block; -1 before that. */
  readonly metainfoAtMs: number;
  readonly firstByteAtMs: number;
  /** Until when it was kept, in milliseconds since 1970. */
  readonly untilMs: number;
}

/** Nothing yet. */
export const NO_ACCOUNT: AccountRecord = {
  spent: {},
  mishaps: {},
  duplicateBytes: 0,
  metainfoAtMs: -1,
  firstByteAtMs: -1,
  untilMs: 0,
};
