import { seededRandom } from '../../services/peer-agent/src/domain/random.js';

/** Choices that are the same for the same seed. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** A whole number from 0 up to, but not including, `limit`; 0 if the limit is 0. */
  below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  /** Undefined for an empty list. */
  of<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }
}
