import { UNLIMITED } from '../limits/byte-bucket.js';
import { NORMAL_WEIGHT } from '../limits/priority.js';

/** A download's part of the {@link OutstandingBudget}. */
export interface BudgetShare {
  /** Bytes that the download may have asked for and not stored, at this moment. */
  readonly limitBytes: number;
  /**
   * Says whether the download has anybody to ask (one that has not leaves its part to the
   * others), and how many bytes it has asked for and not stored.
   */
  use(wanted: boolean, outstandingBytes: number): void;
  /** False while a limit lets nothing more be asked for. */
  mayAsk(nowMs: number): boolean;
  /** So much was asked for. */
  asked(bytes: number): void;
  /** So much of what was asked for came. */
  arrived(bytes: number): void;
  /** What was asked for does not come. */
  returned(bytes: number): void;
  /** Bytes a second that a limit allows at most. */
  readonly ceiling: number;
  /** There is a limit: what may be asked for is given to peers in turn. */
  readonly isPaced: boolean;
}

/** The rate at which a download may ask; see RateShare. */
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

/** What the shares of a budget add up to. */
interface Pool {
  readonly totalBytes: number;
  /** Of those that have anybody to ask, as they said last. */
  weights: number;
  outstandingBytes: number;
}

/**
 * Bounds the bytes that all downloads of a process have asked for and not stored:
 * each that has peers to ask gets a part, by its weight. One that comes later waits until the
 * others have stored what they have beyond theirs, so that the sum is never more.
 */
export class OutstandingBudget {
  readonly #pool: Pool;

  constructor(totalBytes: number = DEFAULT_TOTAL_BYTES) {
    this.#pool = { totalBytes, weights: 0, outstandingBytes: 0 };
  }

  /** What all downloads together have asked for and not stored. */
  get outstandingBytes(): number {
    return this.#pool.outstandingBytes;
  }

  /** @param rate how fast it may ask; @default as fast as it can */
  share(rate: AskingRate = ANY_RATE): BudgetShare {
    return new PoolShare(this.#pool, rate);
  }
}

class PoolShare implements BudgetShare {
  #weight = 0;
  #outstandingBytes = 0;
  /** Bytes that were asked for and neither came nor were returned. */
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
    // No answer is listened to any more.
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

/** What is kept of a block besides its bytes until it is stored, at most. */
const LEAST_MEMORY = 16 << 10;

/** What a block that was asked for and is not stored counts: thousands of small files would else take several times their bytes. */
export function memoryOf(bytes: number): number {
  return Math.max(bytes, LEAST_MEMORY);
}
