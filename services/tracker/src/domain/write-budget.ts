/** Parties remembered at most; those that have written least recently are dropped first. */
const MAX_PARTIES = 100_000;

export interface WriteBudgetOptions {
  /** Records that a party may write at once. */
  readonly burst: number;
  /** Time in which it may write as many again, in milliseconds. */
  readonly perMs: number;
  /** Any monotonic clock, in milliseconds. */
  readonly nowMs: () => number;
}

/**
 * What the peers of one party may add to the network's store. Parties that a tracker does not report have the empty name,
 * and no limit.
 */
export class WriteBudget {
  /** Records that each party has written and not yet paid for by waiting, and when that was so. */
  readonly #debts = new Map<string, { readonly written: number; readonly at: number }>();

  constructor(private readonly options: WriteBudgetOptions) {}

  /** Counts a write of a party; false if it has none left. */
  take(party: string): boolean {
    if (party === '') return true;
    const { burst, perMs, nowMs } = this.options;
    const now = nowMs();
    const debt = this.#debts.get(party) ?? { written: 0, at: now };
    const written = Math.max(0, debt.written - ((now - debt.at) * burst) / perMs);
    if (written + 1 > burst) return false;
    this.#debts.delete(party);
    this.#debts.set(party, { written: written + 1, at: now });
    this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    if (this.#debts.size <= MAX_PARTIES) return;
    for (const party of this.#debts.keys()) {
      this.#debts.delete(party);
      return;
    }
  }
}
