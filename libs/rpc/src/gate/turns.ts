import type { Budgets, Resource } from './budgets.js';

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
    readonly resource: Resource,
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
    this.#budgets.giveBack(party, this.resource);
    // Its own party first; others wait only if the limit of all was reached.
    if (this.#next(party)) return;
    for (const other of this.#waiting.keys()) if (this.#next(other)) return;
  }

  /** Begins the first call that waits of a party, if it has room. */
  #next(party: string): boolean {
    const [first] = this.#waiting.get(party) ?? [];
    if (!first || this.#budgets.take(party, this.resource) !== undefined) return false;
    this.#leave(first);
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
