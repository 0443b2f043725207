import type { Budgets } from './budgets.js';

/** Waits for room in a budget. */
interface Waiting {
  readonly party: string;
  readonly begin: () => void;
}

/** Lets calls begin when their party has room in a budget, in the order in which they came. */
export class Turns {
  readonly #budgets: Budgets;
  /** By party, each in order of arrival. */
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(
    budgets: Budgets,
    readonly resource: 'calls' | 'greetings',
  ) {
    this.#budgets = budgets;
  }

  /** Calls that wait. */
  get waiting(): number {
    let count = 0;
    for (const each of this.#waiting.values()) count += each.size;
    return count;
  }

  /** Calls of one party that wait. */
  waitingOf(party: string): number {
    return this.#waiting.get(party)?.size ?? 0;
  }

  /**
   * Calls `begin` now or later. Returns a function that ends the call, or its wait; to be called once.
   */
  take(party: string, begin: () => void): () => void {
    const call = { party, begin };
    const queue = this.#waiting.get(party);
    // None may overtake those of its own party.
    if (queue === undefined && this.#budgets.take(party, this.resource) === undefined) begin();
    else this.#waiting.set(party, (queue ?? new Set()).add(call));
    return () => {
      if (!this.#leave(call)) this.#giveBack(party);
    };
  }

  #giveBack(party: string): void {
    const wasFull = this.#budgets.isFull(this.resource);
    this.#budgets.giveBack(party, this.resource);
    // Others wait only if the limit of all was reached. They take turns, and come before the party that had the room:
    // otherwise the parties that were first would keep it to themselves.
    const others = wasFull ? [...this.#waiting.keys()].filter((other) => other !== party) : [];
    for (const next of [...others, party]) if (this.#next(next)) return;
  }

  /** Begins the first call that waits of a party, if it has room. */
  #next(party: string): boolean {
    const [first] = this.#waiting.get(party) ?? [];
    if (!first || this.#budgets.take(party, this.resource) !== undefined) return false;
    this.#leave(first);
    const others = this.#waiting.get(party);
    // It is the last to have a turn now.
    if (others && this.#waiting.delete(party)) this.#waiting.set(party, others);
    first.begin();
    return true;
  }

  /** False if it does not wait. */
  #leave(call: Waiting): boolean {
    const queue = this.#waiting.get(call.party);
    if (!queue?.delete(call)) return false;
    if (queue.size === 0) this.#waiting.delete(call.party);
    return true;
  }
}
