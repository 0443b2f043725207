/** A look at a rate takes so long; a trial's begins when what was asked of the new peers comes. */
const LOOK_MS = 1000;
/** How much a rate that was reached once still counts at the next look. */
const MEMORY = 0.6;
/** Near peers must have more of what is wanted than they give in so long. */
const BACKLOG_MS = 3000;
const SETTLE_MS = 500;
/** So much faster it must be with peers of other zones, to be worth the way. */
const GAIN = 1.5;
/** Until the next trial, at first; twice as long after each that was of no use, up to the last. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 32_000;
/** What was worth it is looked at again after so long. */
const OPEN_MS = 10_000;

/**
 * Finds out whether near peers give what they have as fast as it could come: now and then, while they have plenty of it left, peers
 * of other zones are asked as well for a second and a half. They stay in if that was much faster, else they are left out, and the
 * next trial is later. Nothing else tells: how fast it could be is known only by trying.
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

  /** Peers of other zones may be asked for what near ones have. */
  get isOpen(): boolean {
    return this.#state !== 'closed';
  }

  /** So much came, from whomever. */
  received(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Time has passed. @param backlog bytes that near peers have, and that they were not asked for yet */
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
