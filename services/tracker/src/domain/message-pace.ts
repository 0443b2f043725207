import { quotaOf } from '@enjambre/core/address-quota';

/** Messages of all agents together that a tracker takes; one takes about 20 µs. */
const PER_SECOND = 40_000;
/** An agent announces all its files at the start of a session. */
const BURST = 400_000;
/** Parties whose savings are complete are dropped after this many new ones. */
const SWEEP_EVERY = 1000;
const SECOND_MS = 1000;

/**
 * Paces the messages of each party: one that sends more is not refused, but read later, so its own connection holds it
 * back. Each message counts, also one that is read too early, so many sessions get no more than one.
 */
export class MessagePace {
  readonly #perSecond: number;
  readonly #savingsMs: number;
  /** When the messages of each party would all have been read at the even rate, in milliseconds. */
  readonly #due = new Map<string, number>();
  #added = 0;

  /** @param percent what one party may use of the rate of all */
  constructor(percent: number) {
    this.#perSecond = quotaOf(PER_SECOND, percent, 1);
    this.#savingsMs = (quotaOf(BURST, percent, 1) / this.#perSecond) * SECOND_MS;
  }

  /**
   * Counts a message, or work that costs as much as several; returns the milliseconds to wait before the next one is read.
   *
   * @param now in milliseconds
   */
  count(party: string, now: number, messages = 1): number {
    const before = this.#due.get(party);
    if (before === undefined) this.#sweep(now);
    // A clock that was set back must not stop a party for long.
    const least = Math.min(before ?? -Infinity, now + this.#savingsMs);
    const due = Math.max(least, now - this.#savingsMs) + (messages * SECOND_MS) / this.#perSecond;
    this.#due.set(party, due);
    return Math.max(0, due - now);
  }

  #sweep(now: number): void {
    this.#added += 1;
    if (this.#added % SWEEP_EVERY !== 0) return;
    for (const [party, due] of this.#due) if (due <= now - this.#savingsMs) this.#due.delete(party);
  }
}
