/**
 * What clients may use of a server. Each number holds for all clients together. The clients of one address, a party,
 * may together use a percentage of each. Clients of a unix socket have no limits.
 */
export interface ServerLimits {
  /** Open connections. Memory of an idle one: some 20 KiB. */
  readonly connections: number;
  /** New connections per second. Not counted for all parties together: what is open is limited. */
  readonly connectionsPerSecond: number;
  /** Open calls of any kind, each an HTTP/2 stream. */
  readonly streams: number;
  /** Open calls on one connection. Half of a party's streams: agents have two connections to another. */
  readonly streamsPerConnection: number;
  /** New calls per second. Not counted for all parties together. */
  readonly callsPerSecond: number;
  /** Refused calls per second. Beyond that each ends its connection. Not counted for all parties together. */
  readonly refusalsPerSecond: number;
  /**
   * Calls being answered, from a whole request until the answer is sent: unary calls, and server streams that are no
   * watches. More wait for their turn. It bounds the memory of answers that nobody reads.
   */
  readonly calls: number;
  /** Server streams without an end, by the name of their method: Watch…. */
  readonly watches: number;
  /** Bidirectional streams before their hello. More wait for their turn. */
  readonly greetings: number;
  /** Time for a unary call, from its headers until its answer is sent, in milliseconds. Infinity for none. */
  readonly callMs: number;
}

/** Of a service that many agents share. An answer has up to 2 MB, so those to one party take up to 32 MB. */
export const SERVICE_LIMITS: ServerLimits = {
  connections: 60_000,
  connectionsPerSecond: 2000,
  streams: 100_000,
  streamsPerConnection: 250,
  callsPerSecond: 5000,
  refusalsPerSecond: 4000,
  calls: 320,
  watches: 1000,
  greetings: 2000,
  callMs: 30_000,
};

/** The least that a party gets, even if its percentage of the limit is less: one busy host can work with it. */
export const LEAST_QUOTA = {
  connections: 64,
  connectionsPerSecond: 20,
  streams: 256,
  callsPerSecond: 50,
  refusalsPerSecond: 100,
  calls: 16,
  watches: 8,
  greetings: 32,
} as const;

/** A party may save up what it does not use of a rate for this long, and then use it at once. */
export const BURST_SECONDS = 5;
/** A connection without a stream is closed after this time. */
export const UNUSED_MS = 10_000;
/** A call that waits longer for its turn is refused. */
export const TURN_MS = 10_000;
/**
 * Calls of a party that may wait, for each that it may have at a time. Each may hold 64 KiB that arrived meanwhile.
 * Streams before their hello wait shorter, and more of them may be begun.
 */
export const WAITING_PER_TURN = { calls: 16, greetings: 4 } as const;
/** Time for the whole request of a call that is no stream of requests. */
export const REQUEST_MS = 30_000;
/** What a bidirectional stream may send before its hello is accepted. */
export const GREETING_BYTES = 16 << 10;
/** Names and values of the headers of a call; ours have some 400. */
export const HEADER_BYTES = 8 << 10;
/** Headers of a call, ours have some 12. HTTP/2 compresses repetitions, so their bytes on the wire are no bound. */
export const MAX_HEADERS = 64;
/**
 * A connection ends with more calls that no honest client makes than this per second, or {@link BURST_SECONDS} times as
 * many at once. One of a later version may try a few methods.
 */
export const OFFENCES_PER_SECOND = 2;
/** The same for frames that belong to no call: PING, SETTINGS, PRIORITY. */
export const CONTROL_FRAMES_PER_SECOND = 100;
