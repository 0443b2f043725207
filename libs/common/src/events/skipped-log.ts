import type { Logger } from '../log/logger.js';

/** However much of it there is, the log says it no more often. */
const INTERVAL_MS = 10_000;

/** Tells the log of messages that are no events, without letting whoever sends them fill it. */
export class SkippedLog {
  #untold = 0;
  #toldAtMs = -Infinity;

  constructor(private readonly log: Logger) {}

  add(subject: string, error: unknown): void {
    this.#untold += 1;
    const now = performance.now();
    if (now - this.#toldAtMs < INTERVAL_MS) return;
    this.log.warn(
      { err: error, subject, messages: this.#untold },
      'a message that is no event of ours was skipped',
    );
    this.#toldAtMs = now;
    this.#untold = 0;
  }
}
