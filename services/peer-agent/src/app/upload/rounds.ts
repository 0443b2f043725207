import type { Clock } from '@enjambre/common/async/clock';

/** Of each round, for work that others wait for: a tenth of what a person notices. */
const BUDGET_MS = 10;

/**
 * Bounds what is begun in one round of the event loop: one read of the network may bring two thousand requests. Work is
 * begun at once while there is time for it, unlike in `Turns`.
 */
export class Rounds {
  /** Undefined until something asks in this round. */
  #round: { readonly sinceMs: number; isOver: boolean } | undefined;

  /**
   * @param resume called in the next round, if this one was over
   */
  constructor(
    private readonly clock: Clock,
    private readonly resume: () => void,
  ) {}

  /** True if no more is to be begun in this round. Ask before each step of well under a millisecond. */
  get isOver(): boolean {
    this.#round ??= this.#begin();
    this.#round.isOver ||= this.clock.nowMs() - this.#round.sinceMs >= BUDGET_MS;
    return this.#round.isOver;
  }

  #begin(): { readonly sinceMs: number; isOver: boolean } {
    const round = { sinceMs: this.clock.nowMs(), isOver: false };
    this.clock.nextRound(() => {
      this.#round = undefined;
      if (round.isOver) this.resume();
    });
    return round;
  }
}
