import { Backoff } from '@enjambre/core/backoff';

/** A session that stood for so long was a good one: the next attempt need not wait long. */
const GOOD_SESSION_MS = 500;
/** Whoever was replaced has a twin, and gains nothing by replacing it in turn. */
const REPLACED_WAIT_MS = 30_000;

/** When to open the next session with a service: soon after a good one, later and later after bad ones. */
export class Reconnection {
  readonly #backoff: Backoff;
  #sinceMs = Infinity;

  constructor(
    private readonly nowMs: () => number,
    private readonly random: () => number = Math.random,
  ) {
    this.#backoff = new Backoff({ baseMs: 200, maxMs: 3000, random });
  }

  /** A session stands. */
  opened(): void {
    this.#sinceMs = this.nowMs();
  }

  /** Milliseconds to wait, now that the session, or the attempt, has ended for `reason`. */
  waitMs(reason: string): number {
    if (this.nowMs() - this.#sinceMs >= GOOD_SESSION_MS) this.#backoff.reset();
    this.#sinceMs = Infinity;
    const waitMs = this.#backoff.next();
    return reason === 'REPLACED' ? REPLACED_WAIT_MS * (0.5 + this.random() / 2) : waitMs;
  }
}

/** What the log adds for a person to the end of a session. */
export function adviceOn(reason: string): string {
  return reason === 'REPLACED'
    ? 'another agent has the same identity: give each its own data folder'
    : 'trying again until it answers';
}
