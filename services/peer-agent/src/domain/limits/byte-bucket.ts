/** No limit, wherever a rate is given in bytes a second. */
export const UNLIMITED = 0 as number;

/** The one that is felt of two limits. */
export function lowerLimit(one: number, other: number): number {
  if (one === UNLIMITED || other === UNLIMITED) return one + other;
  return Math.min(one, other);
}

/** A bucket that nobody took from holds what comes in so long: timers may be that late without loss. */
export const BURST_SECONDS = 0.2;

/**
 * A token bucket for bytes. Whoever finds it not overdrawn may take as much as it has to
 * take at once, and the bucket is overdrawn until that has come in again: so nothing
 * waits for a full bucket, and what was taken follows the rate to within one taking.
 */
export class ByteBucket {
  #limit: number;
  /** Bytes; negative if overdrawn. */
  #level = 0;
  #filledMs = 0;

  /** @param limit bytes a second, or {@link UNLIMITED} */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** What is overdrawn stays so, and comes in at the new rate. */
  setLimit(limit: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#limit = limit;
    if (limit === UNLIMITED) this.#level = 0;
  }

  mayTake(nowMs: number): boolean {
    if (this.#limit === UNLIMITED) return true;
    this.#fill(nowMs);
    return this.#level >= 0;
  }

  take(bytes: number): void {
    if (this.#limit !== UNLIMITED) this.#level -= bytes;
  }

  /** What was taken is not needed after all. */
  giveBack(bytes: number): void {
    if (this.#limit !== UNLIMITED) this.#level = Math.min(this.#capacity, this.#level + bytes);
  }

  /** Milliseconds until something may be taken, as it stands. */
  waitMs(nowMs: number): number {
    return this.mayTake(nowMs) ? 0 : (-this.#level * 1000) / this.#limit;
  }

  get #capacity(): number {
    return this.#limit * BURST_SECONDS;
  }

  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#filledMs);
    this.#filledMs = nowMs;
    this.#level = Math.min(this.#capacity, this.#level + (this.#limit * elapsedMs) / 1000);
  }
}
