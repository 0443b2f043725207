/** Duration of a rate measurement; a trial's starts once the blocks requested from far peers arrive. */
const LOOK_MS = 1000;
/** Factor by which the best rate so far decays with each measurement. */
const MEMORY = 0.6;
/** A trial needs a backlog of more than near peers deliver in this time. */
const BACKLOG_MS = 3000;
const SETTLE_MS = 500;
/** With far peers the download must be this much faster to justify crossing zones. */
const GAIN = 1.5;
/** Delay until the next trial, at first; doubled after each useless one, up to the longest. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 32_000;
/** A successful trial is reviewed after this time. */
const OPEN_MS = 10_000;

/**
 * Finds out whether near peers deliver what they have as fast as possible: from time to time, while they have plenty
 * left, peers of other zones are asked too for a second and a half. They stay in use if that was much faster; otherwise
 * they are dropped, and the next trial comes later. There is no other way: only trying shows how fast it could be.
 */
export class FarTrial {
  #state: 'closed' | 'trial' | 'open' = 'closed';
  #bytes = 0;
  #sinceMs: number;
  #closedRate = 0;
  #nextMs: number;
  #waitMs = FIRST_WAIT_MS;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
    this.#nextMs = nowMs + FIRST_WAIT_MS;
  }

  /** True if peers of other zones may be asked for pieces that near peers have. */
  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /** Counts bytes received from any peer. */
  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Advances the time. @param backlog bytes that near peers have and that were not requested of them yet */
  tick(nowMs: number, backlog: () => number): void {
    const tookMs = nowMs - this.#sinceMs;
    if (this.#state === 'closed' && tookMs >= LOOK_MS) this.#closedLook(nowMs, tookMs, backlog());
    else if (this.#state === 'trial' && tookMs >= SETTLE_MS + LOOK_MS) this.#trialLook(nowMs, tookMs);
    else if (this.#state === 'open' && nowMs >= this.#nextMs) this.#enter('closed', nowMs);
  }

  #closedLook(nowMs: number, tookMs: number, backlogBytes: number): void {
    this.#closedRate = Math.max(this.#bytes / tookMs, MEMORY * this.#closedRate);
    const isPressed = backlogBytes > BACKLOG_MS * this.#closedRate;
    this.#enter(isPressed && nowMs >= this.#nextMs ? 'trial' : 'closed', nowMs);
  }

  #trialLook(nowMs: number, tookMs: number): void {
    const isWorth = this.#bytes / tookMs > GAIN * this.#closedRate;
    this.#waitMs = isWorth ? FIRST_WAIT_MS : Math.min(LONGEST_WAIT_MS, 2 * this.#waitMs);
    this.#nextMs = nowMs + (isWorth ? OPEN_MS : this.#waitMs);
    this.#enter(isWorth ? 'open' : 'closed', nowMs);
  }

  #enter(state: 'closed' | 'trial' | 'open', nowMs: number): void {
    this.#state = state;
    this.#bytes = 0;
    this.#sinceMs = nowMs;
  }
}
