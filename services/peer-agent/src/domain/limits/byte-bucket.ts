import { BLOCK_SIZE } from '@enjambre/core/layout';

/** No limit, wherever a rate is given in bytes a second. */
export const UNLIMITED = 0 as number;

/** The one that is felt of two limits. */
export function lowerLimit(one: number, other: number): number {
  if (one === UNLIMITED || other === UNLIMITED) return one + other;
  return Math.min(one, other);
}

/** True if `limit` is felt where `before` was not, or less. */
export function isLower(limit: number, before: number): boolean {
  return limit !== UNLIMITED && (before === UNLIMITED || limit < before);
}

/** A bucket that nobody took from holds what comes in so long: timers may be that late without loss. */
export const BURST_SECONDS = 0.2;

/**
 * What was on its way when a limit was set and has come since is paid back, but no more of it than the limit
 * lets through in so long: a limit is held over ten seconds, and nobody waits for minutes.
 */
const MEMORY_SECONDS = 10;

/** The lowest level at a rate: what has not moved yet counts in full, and so does a single taking. */
export function lowestLevel(bytesPerSecond: number, underWay: number): number {
  return -(underWay + bytesPerSecond * MEMORY_SECONDS + BLOCK_SIZE);
}

/**
 * A token bucket for bytes. Whoever finds it not overdrawn may take as much as it has to
 * take at once, and the bucket is overdrawn until that has come in again: so nothing
 * waits for a full bucket, and what was taken follows the rate to within one taking. Who takes says
 * when it has moved ({@link moved}): what has not counts when a limit is set or lowered.
 */
export class ByteBucket {
  #limit: number;
  /** Bytes; negative if overdrawn. */
  #level = 0;
  #filledMs = 0;
  #underWay = 0;

  /** @param limit bytes a second, or {@link UNLIMITED} */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Bytes that were taken and have not moved yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /** What is overdrawn stays so, and comes in at the new rate. A lower one also counts what is under way. */
  setLimit(limit: number, nowMs: number): void {
    this.#fill(nowMs);
    const isLess = isLower(limit, this.#limit);
    this.#limit = limit;
    if (limit === UNLIMITED) this.#level = 0;
    else if (isLess) this.#level = Math.min(this.#level, -this.#underWay);
  }

  mayTake(nowMs: number): boolean {
    if (this.#limit === UNLIMITED) return true;
    this.#fill(nowMs);
    return this.#level >= 0;
  }

  take(bytes: number): void {
    this.#underWay += bytes;
    if (this.#limit !== UNLIMITED) this.#level -= bytes;
  }

  /** So much of what was taken is where it was to go. */
  moved(bytes: number): void {
    this.#underWay = Math.max(0, this.#underWay - bytes);
  }

  /** What was taken is not needed after all. */
  giveBack(bytes: number): void {
    this.#underWay = Math.max(0, this.#underWay - bytes);
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
    const level = Math.max(this.#level, lowestLevel(this.#limit, this.#underWay));
    this.#level = Math.min(this.#capacity, level + (this.#limit * elapsedMs) / 1000);
  }
}
