/**
 * What clients may use of a server. Each number holds for all clients together. The clients of one address, a party,
 * may together use a percentage of each. Clients of a unix socket have no limits.
 */
export interface ServerLimits {
  /** Open connections. Memory of an idle one: some 20 KiB. */
  readonly connections: number;
  /** New connections per second. Not counted for all parties together: what is open is limited. */
  readonly connectionsPerSecond: number;
}

/** Of a service that many agents share. */
export const SERVICE_LIMITS: ServerLimits = {
  connections: 60_000,
  connectionsPerSecond: 2000,
};

/** The least that a party gets, even if its percentage of the limit is less: one busy host can work with it. */
export const LEAST_QUOTA = {
  connections: 64,
  connectionsPerSecond: 20,
} as const;

/** A party may save up what it does not use of a rate for this long, and then use it at once. */
export const BURST_SECONDS = 5;
/** A connection without a stream is closed after this time. */
export const UNUSED_MS = 10_000;
