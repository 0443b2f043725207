import { setImmediate as nextImmediate } from 'node:timers/promises';
import type { Steps } from '@enjambre/core/steps';

export interface TurnsInit {
  /** How long the event loop's other work waits for ours, in each of its rounds. @default 10 */
  readonly budgetMs?: number;
  /** In ms. @default the clock of this process */
  readonly now?: () => number;
  /** Resolves in the next round of the event loop. @default by setImmediate */
  readonly nextRound?: () => Promise<unknown>;
}

/** A tenth of what a person notices, and far below what a session needs. */
const BUDGET_MS = 10;

/**
 * Lets long work on the event loop stand back for others: calls to be answered, keepalives. Whatever works in turns has
 * one budget for each round of the loop, all together.
 */
export class Turns {
  readonly #budgetMs: number;
  readonly #now: () => number;
  readonly #nextRound: () => Promise<unknown>;
  #sinceMs = -Infinity;
  #last: Promise<unknown> = Promise.resolve();

  constructor({
    budgetMs = BUDGET_MS,
    now = () => performance.now(),
    nextRound = () => nextImmediate(),
  }: TurnsInit = {}) {
    this.#budgetMs = budgetMs;
    this.#now = now;
    this.#nextRound = nextRound;
  }

  /** True if the work is to wait for {@link next}. Ask after each step of well under a millisecond. */
  get isOver(): boolean {
    return this.#now() - this.#sinceMs >= this.#budgetMs;
  }

  /** Resolves when it is the caller's turn: one caller's in each round of the loop, in the order in which they asked. */
  next(): Promise<void> {
    const turn = this.#last.then(this.#nextRound).then(() => {
      this.#sinceMs = this.#now();
    });
    this.#last = turn;
    return turn;
  }

  /** Does work in as many turns as it needs; it throws what the work throws. */
  async run<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (this.isOver) await this.next();
    }
  }
}

/** Of this thread's event loop. */
export const turns = new Turns();
