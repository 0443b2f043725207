import type { Clock } from '@enjambre/common/async/clock';

const CHECK_MS = 1000;

/** Checks complaints, one with each call. */
interface Looker {
  /** Never rejects. */
  look(): Promise<void>;
}

/**
 * Limits checks of complaints to one piece per second over all transfers, which take turns. Downloaders are not
 * trusted.
 */
export class ComplaintTurns {
  readonly #waiting = new Set<Looker>();
  /** A check is running, or its second is not over. */
  #isBusy = false;

  constructor(private readonly clock: Clock) {}

  /** Queues one check. */
  ask(looker: Looker): void {
    this.#waiting.add(looker);
    if (!this.#isBusy) void this.#next();
  }

  leave(looker: Looker): void {
    this.#waiting.delete(looker);
  }

  async #next(): Promise<void> {
    const [looker] = this.#waiting;
    this.#isBusy = looker !== undefined;
    if (!looker) return;
    this.#waiting.delete(looker);
    await looker.look();
    this.clock.after(CHECK_MS, () => void this.#next());
  }
}
