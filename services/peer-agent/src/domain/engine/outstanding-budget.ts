/** A download's part of the {@link OutstandingBudget}. */
export interface BudgetShare {
  /** Bytes that the download may have asked for and not stored, at this moment. */
  readonly limitBytes: number;
  /** Says whether the download has anybody to ask: one that has not leaves its part to the others. */
  use(wanted: boolean): void;
}

/**
 * Bounds the bytes that all downloads of a process have asked for and not stored:
 * whoever has peers to ask gets an equal part.
 */
export class OutstandingBudget {
  readonly #users = new Set<BudgetShare>();

  constructor(private readonly totalBytes: number = DEFAULT_TOTAL_BYTES) {}

  share(): BudgetShare {
    const limit = (): number => this.totalBytes / Math.max(1, this.#users.size);
    const share: BudgetShare = {
      get limitBytes() {
        return limit();
      },
      use: (wanted) => {
        if (wanted) this.#users.add(share);
        else this.#users.delete(share);
      },
    };
    return share;
  }
}

/** Enough for 1 GB/s with 30 ms between a request and its block on disk. */
export const DEFAULT_TOTAL_BYTES = 32 << 20;
