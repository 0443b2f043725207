import { BLOCK_SIZE } from '@enjambre/core/layout';

/** No limit, wherever a rate is given in bytes per second. */
export const UNLIMITED = 0 as number;

/** The effective one of two limits. */
export function lowerLimit(one: number, other: number): number {
  if (one === UNLIMITED || other === UNLIMITED) return one + other;
  return Math.min(one, other);
}

/** True if `limit` is tighter than `before`. */
export function isLower(limit: number, before: number): boolean {
  return limit !== UNLIMITED && (before === UNLIMITED || limit < before);
}

/** An idle bucket fills up to this many seconds of its rate: timers may be that late without loss. */
export const BURST_SECONDS = 0.2;

/**
 * Bytes in flight when a limit is set count against it once they have arrived, but at most as much as the limit lets
 * through in this time: a limit holds over ten seconds, and no transfer waits for minutes.
 */
const MEMORY_SECONDS = 10;

/** The lowest level at a rate: bytes still in flight count in full, and so does one single take. */
export function lowestLevel(bytesPerSecond: number, underWay: number): number {
  return -(underWay + bytesPerSecond * MEMORY_SECONDS + BLOCK_SIZE);
}

/**
 * A token bucket for bytes. A caller that finds the bucket not overdrawn may take any amount at once; the bucket is
 * then overdrawn until it refills. So no caller waits for a full bucket, and the bytes taken follow the rate to within
 * one take. The caller reports when the bytes have moved ({@link moved}): bytes in flight count when a limit is set or
 * lowered.
 */
export class ByteBucket {
  #limit: number;
  /** Bytes; negative if overdrawn. */
  #level = 0;
  #filledMs = 0;
  #underWay = 0;

  /** @param limit bytes per second, or {@link UNLIMITED} */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** Bytes taken that have not moved yet. */
  get underWay(): number {
    return this.#underWay;
  }

  /** An overdraft stays, and refills at the new rate. A lower limit also counts the bytes in flight. */
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

  /** Reports that this many of the bytes taken have arrived. */
  moved(bytes: number): void {
    this.#underWay = Math.max(0, this.#underWay - bytes);
  }

  /** Returns bytes that were taken but are not needed. */
  giveBack(bytes: number): void {
    this.#underWay = Math.max(0, this.#underWay - bytes);
    if (this.#limit !== UNLIMITED) this.#level = Math.min(this.#capacity, this.#level + bytes);
  }

  /** Milliseconds until bytes may be taken, as things stand. */
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
