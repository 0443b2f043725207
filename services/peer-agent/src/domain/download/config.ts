/** Constants of the download engine, with the reasons for them. */
export interface EngineConfig {
  /**
   * Requests in flight to a peer cover so many seconds at its measured rate, and at least
   * twice what its quickest answer took. The longer, the later the last pieces of a swarm
   * come: they wait behind what was asked before (docs/performance.md).
   */
  readonly queueSeconds: number;
  /** The first window of a peer, before anything is measured. */
  readonly initialWindowBytes: number;
  /** No answer for so long: the peer's requests are given to others. */
  readonly snubMs: number;
  /** An idle peer takes a request over if it would answer so many times sooner than its owner. */
  readonly stealRatio: number;
  /** ... and at least so much sooner, when no piece is left that nobody was asked for. */
  readonly stealMarginMs: number;
  /** The same before that: peers are idle then because pieces are rare, and blocks that are stolen mostly on their way. */
  readonly earlyStealMarginMs: number;
  /** At the end, a request is late at twice the time its owner's rate promised, and at least so much after it. */
  readonly lateMarginMs: number;
  /** At the end, how long a peer that has never sent anything may keep a request for itself. */
  readonly unheardMs: number;
  /** Expected wait for the first block of a peer whose rate is not known. */
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
