/** What says how much may be sent; see RateShare. */
export interface Allowance {
  mayTake(nowMs: number): boolean;
  take(bytes: number): void;
  waitMs(nowMs: number): number;
}

interface Waiter {
  readonly allowance: Allowance;
  readonly bytes: number;
  readonly isWanted: () => boolean;
  readonly resolve: () => void;
}

/** A limit that was changed is felt after so long at most. */
const MAX_WAIT_MS = 100;
const MIN_WAIT_MS = 1;

/** Holds back what limits do not let out yet, and says when to try again. */
export class UploadGate {
  readonly #waiters = new Set<Waiter>();
  /** Those that were refused since the last time. */
  readonly #refused = new Set<Allowance>();
  #timer: NodeJS.Timeout | undefined;

  /** @param freed called when those that were refused may ask again */
  constructor(private readonly freed: () => void) {}

  /** True if something may be sent now. If not, `freed` is called when it may. */
  mayTake(allowance: Allowance): boolean {
    if (allowance.mayTake(performance.now())) return true;
    this.#refused.add(allowance);
    this.#arm();
    return false;
  }

  /** Resolves when the bytes may be sent, and were taken; without taking them if they are no longer wanted then. */
  async turn(allowance: Allowance, bytes: number, isWanted: () => boolean): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiters.add({ allowance, bytes, isWanted, resolve });
      this.release();
    });
  }

  /** Lets go who may: what has begun comes before what has not. */
  release(): void {
    const nowMs = performance.now();
    for (const waiter of this.#waiters) {
      const { allowance, bytes, isWanted, resolve } = waiter;
      if (isWanted()) {
        if (!allowance.mayTake(nowMs)) continue;
        allowance.take(bytes);
      }
      this.#waiters.delete(waiter);
      resolve();
    }
    if (this.#waiters.size > 0) this.#arm();
  }

  #arm(): void {
    if (this.#timer) return;
    const nowMs = performance.now();
    let waitMs = MAX_WAIT_MS;
    for (const { allowance } of this.#waiters) waitMs = Math.min(waitMs, allowance.waitMs(nowMs));
    for (const allowance of this.#refused) waitMs = Math.min(waitMs, allowance.waitMs(nowMs));
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#refused.clear();
        this.release();
        this.freed();
      },
      Math.max(MIN_WAIT_MS, waitMs),
    ).unref();
  }
}
