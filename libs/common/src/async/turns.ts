import { setImmediate as nextImmediate } from 'node:timers/promises';
import type { Steps } from '@enjambre/core/steps';

export interface TurnsInit {
  /** Milliseconds that our work may take in each round of the event loop. @default 10 */
  readonly budgetMs?: number;
  /** Milliseconds. @default the clock of this process */
  readonly now?: () => number;
  /** Resolves in the next round of the event loop. @default setImmediate */
  readonly nextRound?: () => Promise<unknown>;
}

/** A tenth of a delay that people notice, and far below the timeouts of sessions. */
const BUDGET_MS = 10;

/**
 * Makes long work on the event loop yield to other work, such as calls and keepalives. All work in turns
 * shares one budget for each round of the loop.
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

  /** True if the caller must await {@link next}. Check it after each step of well under a millisecond. */
  get isOver(): boolean {
    return this.#now() - this.#sinceMs >= this.#budgetMs;
  }

  /** Resolves at the caller's turn: one caller in each round of the loop, in the order of the calls. */
  next(): Promise<void> {
    const turn = this.#last.then(this.#nextRound).then(() => {
      this.#sinceMs = this.#now();
    });
    this.#last = turn;
    return turn;
  }

  /** Runs the steps in as many turns as they need; throws their error. */
  async run<T>(steps: Steps<T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (this.isOver) await this.next();
    }
  }
}

/** The turns of this thread's event loop. */
export const turns = new Turns();
