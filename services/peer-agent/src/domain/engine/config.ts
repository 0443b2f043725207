/** Constants of the download engine, with the reasons for them. */
export interface EngineConfig {
  /** Requests in flight to a peer cover so many seconds at its measured rate. */
  readonly queueSeconds: number;
  /** The first window of a peer, before anything is measured. */
  readonly initialWindowBytes: number;
  /** No answer for so long: the peer's requests are given to others. */
  readonly snubMs: number;
  /** An idle peer takes a request over if it would answer so many times sooner than its owner. */
  readonly stealRatio: number;
  /** ... and at least so much sooner. */
  readonly stealMarginMs: number;
  /** A request is late at twice the time its owner's rate promised, and at least so much after it. */
  readonly lateMarginMs: number;
  /** Expected wait for the first block of a peer whose rate is not known. */
  readonly unknownWaitMs: number;
}

export const DEFAULT_ENGINE_CONFIG: EngineConfig = {
  queueSeconds: 0.5,
  initialWindowBytes: 512 << 10,
  snubMs: 10_000,
  stealRatio: 3,
  stealMarginMs: 500,
  lateMarginMs: 500,
  unknownWaitMs: 2000,
};
