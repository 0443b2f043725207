/** Constants of the download engine, and why they are what they are. */
export interface EngineConfig {
  /**
   * Requests in flight to a peer cover this many seconds at its measured rate, and at least twice its shortest response
   * time. The longer this is, the later the last pieces of a swarm arrive: they queue behind earlier requests
   * (docs/performance.md).
   */
  readonly queueSeconds: number;
  /** Initial window of a peer, before anything is measured. */
  readonly initialWindowBytes: number;
  /** A peer that does not answer for this long loses its requests to others. */
  readonly snubMs: number;
  /** An idle peer takes over a request only if it would answer this many times sooner than its owner. */
  readonly stealRatio: number;
  /** It must also answer this much sooner, once every piece has been requested. */
  readonly stealMarginMs: number;
  /**
   * The same margin before that point: peers are then idle because pieces are rare, and stolen blocks are mostly on
   * their way.
   */
  readonly earlyStealMarginMs: number;
  /**
   * In the endgame, a request is late at twice the time that its owner's rate promised, and at least this much after
   * it.
   */
  readonly lateMarginMs: number;
  /** In the endgame, how long a peer that has never sent anything may keep a request to itself. */
  readonly unheardMs: number;
  /** Expected wait for the first block of a peer with an unknown rate. */
  readonly unknownWaitMs: number;
}

export const DEFAULT_ENGINE_CONFIG: EngineConfig = {
  queueSeconds: 0.3,
  initialWindowBytes: 512 << 10,
  snubMs: 10_000,
  stealRatio: 3,
  stealMarginMs: 500,
  earlyStealMarginMs: 4000,
  lateMarginMs: 1000,
  unheardMs: 1000,
  unknownWaitMs: 2000,
};
