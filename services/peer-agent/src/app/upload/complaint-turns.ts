import type { Clock } from '@enjambre/common/async/clock';

const CHECK_MS = 1000;

/** What has something to look at. */
interface Looker {
  /** Never rejects. */
  look(): Promise<void>;
}

/** Downloaders are strangers: what they complain of is looked at one piece a second at most, over all transfers, each in its turn. */
export class ComplaintTurns {
  readonly #waiting = new Set<Looker>();
  /** While a look is under way, or its second. */
  #isBusy = false;

  constructor(private readonly clock: Clock) {}

  /** One look. */
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
