import type { EngineConfig } from './config.js';

/** A rate that grows by less than this in half a second has reached its maximum. */
const SLOW_START_GROWTH = 1.15;
const SLOW_START_CHECK_MS = 500;
/** No round trip takes longer: a slower answer was held back. */
const MAX_TRIP_MS = 500;

/**
 * The number of bytes that one peer may have in flight. In slow start the window grows by each byte that arrives;
 * afterwards it covers a fixed time at the measured rate, or twice the shortest response time if that is longer.
 */
export class RequestWindow {
  #bytes: number;
  #slowStart = true;
  #lastCheckMs: number;
  #lastCheckRate = 0;
  /** Shortest time from a request to its block: the round trip without queueing. */
  #leastAnswerMs = Infinity;

  constructor(
    private readonly config: EngineConfig,
    nowMs: number,
  ) {
    this.#bytes = config.initialWindowBytes;
    this.#lastCheckMs = nowMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A block arrived `answerMs` after its request. */
  received(bytes: number, answerMs: number): void {
    this.#leastAnswerMs = Math.min(this.#leastAnswerMs, answerMs);
    if (this.#slowStart) this.#bytes += bytes;
  }

  /** Restarts slow start. */
  restart(nowMs: number): void {
    this.#slowStart = true;
    this.#bytes = this.config.initialWindowBytes;
    this.#lastCheckMs = nowMs;
    this.#lastCheckRate = 0;
  }

  /** Sizes the window by the rate, in bytes per second. */
  tick(rate: number, nowMs: number): void {
    if (this.#slowStart && nowMs - this.#lastCheckMs >= SLOW_START_CHECK_MS && rate > 0) {
      if (rate < this.#lastCheckRate * SLOW_START_GROWTH) this.#slowStart = false;
      this.#lastCheckMs = nowMs;
      this.#lastCheckRate = rate;
    }
    if (this.#slowStart) return;
    const tripMs = Number.isFinite(this.#leastAnswerMs) ? Math.min(this.#leastAnswerMs, MAX_TRIP_MS) : 0;
    const seconds = Math.max(this.config.queueSeconds, (2 * tripMs) / 1000);
    this.#bytes = Math.max(this.config.initialWindowBytes, rate * seconds);
  }
}
