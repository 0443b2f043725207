import type { Clock } from '@enjambre/common/async/clock';

const CHECK_MS = 1000;

interface Checker {
  /** Checks one complaint. Never rejects. */
  check(): Promise<void>;
}

/**
 * Limits checks of complaints to one piece per second over all transfers, which take turns. Downloaders are not
 * trusted.
 */
export class ComplaintTurns {
  readonly #waiting = new Set<Checker>();
  /** A check is running, or its second is not over. */
  #isBusy = false;

  constructor(private readonly clock: Clock) {}

  /** Queues one check. */
  ask(checker: Checker): void {
    this.#waiting.add(checker);
    if (!this.#isBusy) void this.#next();
  }

  leave(checker: Checker): void {
    this.#waiting.delete(checker);
  }

  async #next(): Promise<void> {
    const [checker] = this.#waiting;
    this.#isBusy = checker !== undefined;
    if (!checker) return;
    this.#waiting.delete(checker);
    await checker.check();
    this.clock.after(CHECK_MS, () => void this.#next());
  }
}
