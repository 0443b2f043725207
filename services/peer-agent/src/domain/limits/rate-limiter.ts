import { BURST_SECONDS, ByteBucket, isLower, lowerLimit, lowestLevel, UNLIMITED } from './byte-bucket.js';
import { NORMAL_WEIGHT } from './priority.js';

/** A share that has not asked for this long leaves its part to the others. */
const IDLE_MS = 1000;

/** Divides the rate of an agent among its transfers, in one direction. */
export class RateLimiter {
  #limit: number;
  #filledMs = 0;
  /** Shares that asked recently, or are overdrawn. */
  readonly #askers = new Map<RateShare, Asker>();
  /** Shares with bytes in flight, whether limited or not. */
  readonly #moving = new Set<RateShare>();

  /** @param limit bytes per second for all shares together, or {@link UNLIMITED} */
  constructor(limit: number = UNLIMITED) {
    this.#limit = limit;
  }

  get limit(): number {
    return this.#limit;
  }

  /** An overdraft stays, and refills at the new rate. A lower limit also counts the bytes in flight. */
  setLimit(limit: number, nowMs: number): void {
    this.#fill(nowMs);
    const isLess = isLower(limit, this.#limit);
    this.#limit = limit;
    if (limit === UNLIMITED) this.#askers.clear();
    else if (isLess) for (const share of this.#moving) this.#charge(share, nowMs);
  }

  /** Creates a transfer's share. */
  share(): RateShare {
    return new RateShare(this);
  }

  /** True if the share may take bytes. It then counts as asking. */
  mayTake(share: RateShare, nowMs: number): boolean {
    if (this.#limit === UNLIMITED) return true;
    this.#fill(nowMs);
    return this.#asker(share, nowMs).level >= 0;
  }

  /** The share has taken bytes (or returned them, if negative), or its bytes in flight have moved. */
  changed(share: RateShare, taken: number): void {
    const asker = this.#askers.get(share);
    if (asker) asker.level -= taken;
    if (share.underWay > 0) this.#moving.add(share);
    else this.#moving.delete(share);
  }

  /** Milliseconds until the share may take bytes, as things stand. */
  waitMs(share: RateShare, nowMs: number): number {
    if (this.mayTake(share, nowMs)) return 0;
    const level = this.#askers.get(share)?.level ?? 0;
    return (-level * this.#weights * 1000) / (this.#limit * share.weight);
  }

  /** Bytes per second that the share gets while the same shares ask; {@link UNLIMITED} if there is no limit. */
  fairRate({ weight }: RateShare): number {
    return (this.#limit * weight) / Math.max(weight, this.#weights);
  }

  #asker(share: RateShare, nowMs: number): Asker {
    const asker = this.#askers.get(share) ?? { level: 0, askedMs: nowMs };
    asker.askedMs = nowMs;
    this.#askers.set(share, asker);
    return asker;
  }

  #charge(share: RateShare, nowMs: number): void {
    const asker = this.#asker(share, nowMs);
    asker.level = Math.min(asker.level, -share.underWay);
  }

  get #weights(): number {
    let sum = 0;
    for (const { weight } of this.#askers.keys()) sum += weight;
    return sum;
  }

  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#filledMs);
    this.#filledMs = nowMs;
    if (elapsedMs === 0 || this.#askers.size === 0) return;
    this.#forgive();
    this.#divide((this.#limit * elapsedMs) / 1000);
    for (const [share, { level, askedMs }] of this.#askers) {
      if (level >= 0 && askedMs + IDLE_MS < nowMs) this.#askers.delete(share);
    }
  }

  #forgive(): void {
    const weights = this.#weights;
    for (const [share, asker] of this.#askers) {
      const rate = (this.#limit * share.weight) / weights;
      asker.level = Math.max(asker.level, lowestLevel(rate, share.underWay));
    }
  }

  /** Divides by weight; what exceeds the capacity of one share goes to the others. */
  #divide(bytes: number): void {
    const burst = (this.#limit * BURST_SECONDS) / this.#weights;
    let open = [...this.#askers];
    for (let left = bytes; left > 0 && open.length > 0;) {
      const each = left / open.reduce((sum, [{ weight }]) => sum + weight, 0);
      left = 0;
      open = open.filter(([{ weight }, asker]) => {
        asker.level += each * weight;
        const excess = asker.level - burst * weight;
        if (excess <= 0) return true;
        asker.level -= excess;
        left += excess;
        return false;
      });
    }
  }
}

interface Asker {
  /** Bytes; negative if overdrawn. */
  level: number;
  askedMs: number;
}

/**
 * A transfer's part of a {@link RateLimiter}, with an optional limit of its own. As with a {@link ByteBucket}, a share
 * that may take bytes takes as many as it needs at once.
 */
export class RateShare {
  /** Its part of the agent's rate is proportional to this weight. */
  weight = NORMAL_WEIGHT;
  readonly #own = new ByteBucket(UNLIMITED);

  constructor(private readonly limiter: RateLimiter) {}

  /** Its own limit in bytes per second, or {@link UNLIMITED}. */
  get limit(): number {
    return this.#own.limit;
  }

  setLimit(limit: number, nowMs: number): void {
    this.#own.setLimit(limit, nowMs);
  }

  /** The lower of the two limits; other shares may leave it less. {@link UNLIMITED} if there is none. */
  get ceiling(): number {
    return lowerLimit(this.limit, this.limiter.limit);
  }

  /** Bytes per second that it gets while all current shares stay active; {@link UNLIMITED} if there is no limit. */
  get fairRate(): number {
    return lowerLimit(this.limit, this.limiter.fairRate(this));
  }

  /** True if bytes may be taken. A refused share asks again at least once a second, to keep its part. */
  mayTake(nowMs: number): boolean {
    return this.#own.mayTake(nowMs) && this.limiter.mayTake(this, nowMs);
  }

  /** Call only after {@link mayTake} returned true, at the same time. */
  take(bytes: number): void {
    this.#own.take(bytes);
    this.limiter.changed(this, bytes);
  }

  /** Bytes taken that have not moved yet. */
  get underWay(): number {
    return this.#own.underWay;
  }

  /** Reports that this many of the bytes taken have arrived. */
  moved(bytes: number): void {
    this.#own.moved(bytes);
    this.limiter.changed(this, 0);
  }

  /** Returns bytes that were taken but are not needed. */
  giveBack(bytes: number): void {
    this.#own.giveBack(bytes);
    this.limiter.changed(this, -bytes);
  }

  /** Milliseconds until bytes may be taken, as things stand: other shares may come and go. */
  waitMs(nowMs: number): number {
    return Math.max(this.#own.waitMs(nowMs), this.limiter.waitMs(this, nowMs));
  }
}
