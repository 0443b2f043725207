import { ErrorCode, Http2Violation } from './frames.js';

/** Cost of a frame that serves no open stream, such as PING, SETTINGS, PRIORITY, or DATA without data. */
const IDLE_FRAME_COST = 1024;
/** Cost of a DATA frame with data: the shortest message of a gRPC stream that says anything is longer. */
const DATA_FRAME_COST = 8;
/** A server answers our data with two window updates at most for each frame: of the stream, and of the connection. */
const ANSWERS_PER_FRAME = 2;
/** Credit of a new connection, and the most that a server can save: 1,024 idle frames. */
const MAX_CREDIT = 1024 * IDLE_FRAME_COST;
/** Credit per millisecond: 100 idle frames a second. */
const CREDIT_PER_MS = 102;

/**
 * Bounds the frames that a server makes us process without serving a stream. Each frame costs credit; data of an open
 * stream earns as much as it has bytes, so a server that sends blocks is never short of it. Time earns some, too.
 * Integer arithmetic only, and the clock is read only when the credit is used up: it runs for each DATA frame.
 */
export class FrameBudget {
  #credit = MAX_CREDIT;
  #filledMs: number;

  /** @param nowMs monotonic time in milliseconds */
  constructor(private readonly nowMs: () => number = () => performance.now()) {
    this.#filledMs = nowMs();
  }

  /** We sent a DATA frame. */
  sent(): void {
    this.#credit = Math.min(MAX_CREDIT, this.#credit + ANSWERS_PER_FRAME * IDLE_FRAME_COST);
  }

  /** A DATA frame arrived, with `bytes` of data besides its padding. Throws {@link Http2Violation}. */
  data(bytes: number): void {
    if (bytes === 0) return this.idle();
    this.#credit = Math.min(MAX_CREDIT, this.#credit + bytes - DATA_FRAME_COST);
    if (this.#credit < 0) this.#refill();
  }

  /** A frame arrived that serves no open stream. Throws {@link Http2Violation}. */
  idle(): void {
    this.#credit -= IDLE_FRAME_COST;
    if (this.#credit < 0) this.#refill();
  }

  #refill(): void {
    const nowMs = this.nowMs();
    this.#credit = Math.min(MAX_CREDIT, this.#credit + Math.floor((nowMs - this.#filledMs) * CREDIT_PER_MS));
    this.#filledMs = nowMs;
    if (this.#credit < 0)
      throw new Http2Violation(ErrorCode.enhanceYourCalm, 'too many frames that serve no stream');
  }
}
