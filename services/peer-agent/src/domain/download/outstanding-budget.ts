import { UNLIMITED } from '../limits/byte-bucket.js';
import { NORMAL_WEIGHT } from '../limits/priority.js';

/** A download's share of the {@link OutstandingBudget}. */
export interface BudgetShare {
  /** Bytes that the download may currently have requested and not stored. */
  readonly limitBytes: number;
  /**
   * Reports whether the download has peers to ask (one without them leaves its share to the others), and how many bytes
   * it has requested and not stored.
   */
  use(wanted: boolean, outstandingBytes: number): void;
  /** False while a limit allows no further requests. */
  mayAsk(nowMs: number): boolean;
  /** Counts bytes requested. */
  asked(bytes: number): void;
  /** Counts requested bytes that arrived. */
  arrived(bytes: number): void;
  /** Counts requested bytes that will not arrive. */
  returned(bytes: number): void;
  /** Maximum rate that a limit allows, in bytes per second. */
  readonly ceiling: number;
  /** True if there is a limit: peers then take turns at requests. */
  readonly isPaced: boolean;
}

/** The rate at which a download may request; see RateShare. */
export interface AskingRate {
  readonly weight: number;
  readonly ceiling: number;
  mayTake(nowMs: number): boolean;
  take(bytes: number): void;
  moved(bytes: number): void;
  giveBack(bytes: number): void;
}

const ANY_RATE: AskingRate = {
  weight: NORMAL_WEIGHT,
  ceiling: UNLIMITED,
  mayTake: () => true,
  take: () => undefined,
  moved: () => undefined,
  giveBack: () => undefined,
};

/** Totals over all shares of a budget. */
interface Pool {
  readonly totalBytes: number;
  /** Weights of the shares that have peers to ask, as last reported. */
  weights: number;
  outstandingBytes: number;
}

/**
 * Bounds the bytes that all downloads of a process have requested and not stored: each download with peers to ask gets
 * a share by its weight. A download that starts later waits until the others have stored their excess, so that the
 * total never exceeds the bound.
 */
export class OutstandingBudget {
  readonly #pool: Pool;

  constructor(totalBytes: number = DEFAULT_TOTAL_BYTES) {
    this.#pool = { totalBytes, weights: 0, outstandingBytes: 0 };
  }

  /** Bytes that all downloads together have requested and not stored. */
  get outstandingBytes(): number {
    return this.#pool.outstandingBytes;
  }

  /** @param rate its request rate; @default unlimited */
  share(rate: AskingRate = ANY_RATE): BudgetShare {
    return new PoolShare(this.#pool, rate);
  }
}

class PoolShare implements BudgetShare {
  #weight = 0;
  #outstandingBytes = 0;
  /** Bytes requested that neither arrived nor were returned. */
  #unanswered = 0;

  constructor(
    private readonly pool: Pool,
    private readonly rate: AskingRate,
  ) {}

  get limitBytes(): number {
    const { totalBytes, weights, outstandingBytes } = this.pool;
    const { weight } = this.rate;
    const part = (totalBytes * weight) / Math.max(weight, weights);
    const left = totalBytes - (outstandingBytes - this.#outstandingBytes);
    return Math.max(0, Math.min(part, left));
  }

  get ceiling(): number {
    return this.rate.ceiling;
  }

  get isPaced(): boolean {
    return this.rate.ceiling !== UNLIMITED;
  }

  use(wanted: boolean, outstandingBytes: number): void {
    const weight = wanted ? this.rate.weight : 0;
    this.pool.weights += weight - this.#weight;
    this.#weight = weight;
    this.pool.outstandingBytes += outstandingBytes - this.#outstandingBytes;
    this.#outstandingBytes = outstandingBytes;
    if (wanted) return;
    // No further answers are processed.
    if (this.#unanswered > 0) this.rate.giveBack(this.#unanswered);
    this.#unanswered = 0;
  }

  mayAsk(nowMs: number): boolean {
    return this.rate.mayTake(nowMs);
  }

  asked(bytes: number): void {
    this.#unanswered += bytes;
    this.rate.take(bytes);
  }

  arrived(bytes: number): void {
    this.#unanswered -= bytes;
    this.rate.moved(bytes);
  }

  returned(bytes: number): void {
    this.#unanswered -= bytes;
    this.rate.giveBack(bytes);
  }
}

/** Enough for 1 GB/s with 30 ms between a request and its block on disk. */
export const DEFAULT_TOTAL_BYTES = 32 << 20;

/** Upper bound of the memory for a block besides its bytes, until it is stored. */
const LEAST_MEMORY = 16 << 10;

/**
 * Memory that counts for a block requested and not stored: without a minimum, thousands of small files would use
 * several times their bytes.
 */
export function memoryOf(bytes: number): number {
  return Math.max(bytes, LEAST_MEMORY);
}
