import { Backoff, retryWaitMs } from '@enjambre/core/backoff';
import type { EnjambreError } from '@enjambre/core/error';

/** A session that lasted this long was a good one: the next attempt starts without backoff. */
const GOOD_SESSION_MS = 500;
/** A replaced session has a twin with the same identity: replacing it in turn gains nothing. */
const REPLACED_WAIT_MS = 30_000;

/**
 * Schedules the next session with a service: soon after a good session, with growing delays after bad ones, and not
 * before the service asks for it.
 */
export class Reconnection {
  readonly #backoff: Backoff;
  #sinceMs = Infinity;

  constructor(
    private readonly nowMs: () => number,
    private readonly random: () => number = Math.random,
  ) {
    this.#backoff = new Backoff({ baseMs: 200, maxMs: 3000, random });
  }

  /** Records that a session has opened. */
  opened(): void {
    this.#sinceMs = this.nowMs();
  }

  /** Milliseconds to wait after the session, or the attempt, has ended with this error. */
  waitMs({ reason, retryAfterMs }: Pick<EnjambreError, 'reason' | 'retryAfterMs'>): number {
    if (this.nowMs() - this.#sinceMs >= GOOD_SESSION_MS) this.#backoff.reset();
    this.#sinceMs = Infinity;
    const waitMs = retryWaitMs(this.#backoff.next(), retryAfterMs, this.random);
    return reason === 'REPLACED' ? REPLACED_WAIT_MS * (0.5 + this.random() / 2) : waitMs;
  }
}

/** Advice that the log adds when a session ends. */
export function adviceOn(reason: string): string {
  return reason === 'REPLACED'
    ? 'another agent has the same identity: give each its own data folder'
    : 'retrying until it answers';
}
