/** A download's part of the {@link OutstandingBudget}. */
export interface BudgetShare {
  /** Bytes that the download may have asked for and not stored, at this moment. */
  readonly limitBytes: number;
  /**
   * Says whether the download has anybody to ask (one that has not leaves its part to the
   * others), and how many bytes it has asked for and not stored.
   */
  use(wanted: boolean, outstandingBytes: number): void;
}

/**
 * Bounds the bytes that all downloads of a process have asked for and not stored:
 * whoever has peers to ask gets an equal part. One that comes later waits until the others
 * have stored what they have beyond theirs, so that the sum is never more.
 */
export class OutstandingBudget {
  readonly #wanting = new Set<BudgetShare>();
  #outstandingBytes = 0;

  constructor(private readonly totalBytes: number = DEFAULT_TOTAL_BYTES) {}

  share(): BudgetShare {
    let ownBytes = 0;
    const limit = (): number => {
      const part = this.totalBytes / Math.max(1, this.#wanting.size);
      const left = this.totalBytes - (this.#outstandingBytes - ownBytes);
      return Math.max(0, Math.min(part, left));
    };
    const share: BudgetShare = {
      get limitBytes() {
        return limit();
      },
      use: (wanted, outstandingBytes) => {
        if (wanted) this.#wanting.add(share);
        else this.#wanting.delete(share);
        this.#outstandingBytes += outstandingBytes - ownBytes;
        ownBytes = outstandingBytes;
      },
    };
    return share;
  }
}

/** Enough for 1 GB/s with 30 ms between a request and its block on disk. */
export const DEFAULT_TOTAL_BYTES = 32 << 20;
