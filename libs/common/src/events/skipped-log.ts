import type { Logger } from '../log/logger.js';

/** Minimum time between two log lines, however many messages are skipped. */
const INTERVAL_MS = 10_000;

/** Logs skipped messages at a limited rate, so that their sender cannot fill the log. */
export class SkippedLog {
  #untold = 0;
  #toldAtMs = -Infinity;

  constructor(private readonly log: Logger) {}

  add(subject: string, error: unknown): void {
    this.#untold += 1;
    const now = performance.now();
    if (now - this.#toldAtMs < INTERVAL_MS) return;
    this.log.warn(
      { err: error, subject, message_count: this.#untold },
      'a message that is not an Enjambre event was skipped',
    );
    this.#toldAtMs = now;
    this.#untold = 0;
  }
}
