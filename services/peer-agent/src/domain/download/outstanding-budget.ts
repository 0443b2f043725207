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

/**
 * Bounds the bytes that all downloads of a process have asked for and not stored:
 * whoever has peers to ask gets a part, by its weight. One that comes later waits until the
 * others have stored what they have beyond theirs, so that the sum is never more.
 */
export class OutstandingBudget {
  /** Of those that have anybody to ask, as they said last. */
  #weights = 0;
  #outstandingBytes = 0;

  constructor(private readonly totalBytes: number = DEFAULT_TOTAL_BYTES) {}

  /** What all downloads together have asked for and not stored. */
  get outstandingBytes(): number {
    return this.#outstandingBytes;
  }

  /** @param rate how fast it may ask; @default as fast as it can */
  share(rate: AskingRate = ANY_RATE): BudgetShare {
    let ownBytes = 0;
    let ownWeight = 0;
    let unanswered = 0;
    const limit = (): number => {
      const part = (this.totalBytes * rate.weight) / Math.max(rate.weight, this.#weights);
      const left = this.totalBytes - (this.#outstandingBytes - ownBytes);
      return Math.max(0, Math.min(part, left));
    };
    return {
      get limitBytes() {
        return limit();
      },
      use: (wanted, outstandingBytes) => {
        const weight = wanted ? rate.weight : 0;
        this.#weights += weight - ownWeight;
        ownWeight = weight;
        this.#outstandingBytes += outstandingBytes - ownBytes;
        ownBytes = outstandingBytes;
        // Nobody is listened to any more.
        if (!wanted && unanswered > 0) rate.giveBack(unanswered);
        if (!wanted) unanswered = 0;
      },
      mayAsk: (nowMs) => rate.mayTake(nowMs),
      asked: (bytes) => {
        unanswered += bytes;
        rate.take(bytes);
      },
      arrived: (bytes) => {
        unanswered -= bytes;
        rate.moved(bytes);
      },
      returned: (bytes) => {
        unanswered -= bytes;
        rate.giveBack(bytes);
      },
      get ceiling() {
        return rate.ceiling;
      },
      get isPaced() {
        return rate.ceiling !== UNLIMITED;
      },
    };
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
