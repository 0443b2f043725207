import type { Clock } from '@enjambre/common/async/clock';

/** Time for such work in each round: a tenth of the delay that people notice. */
const BUDGET_MS = 10;

/**
 * Bounds the work started in one round of the event loop: one network read may bring two thousand requests. Unlike
 * `Turns`, it lets work start at once while the round has time left.
 */
export class Rounds {
  /** Undefined until {@link isOver} is first read in this round. */
  #round: { readonly sinceMs: number; isOver: boolean } | undefined;

  /** @param resume called in the next round, if this one was over */
  constructor(
    private readonly clock: Clock,
    private readonly resume: () => void,
  ) {}

  /** True if no more work may start in this round. Check before each step; a step takes well under a millisecond. */
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
