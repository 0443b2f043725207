import type { UploadAllowance } from './upload-allowance.js';

/** The rest of a block that is sent in parts. */
export interface PacedPart {
  readonly allowance: UploadAllowance;
  readonly part: { readonly length: number };
}

/** A changed limit takes effect after at most this time. */
const MAX_WAIT_MS = 100;
const MIN_WAIT_MS = 1;

/** Holds back what the limits do not yet allow, and computes when to try again. */
export class Pacing<Rest extends PacedPart> {
  readonly #waiting = new Set<Rest>();
  /** Allowances refused since the last tick. */
  readonly #refused = new Set<UploadAllowance>();
  #wakeMs = Infinity;

  /** When {@link tick} is due; Infinity if nothing is held back. */
  get wakeMs(): number {
    return this.#wakeMs;
  }

  /** True if a block may be started now. */
  mayBegin(allowance: UploadAllowance, nowMs: number): boolean {
    if (allowance.isBusy) return false;
    if (allowance.isUnlimited) return true;
    if (allowance.mayTake(nowMs)) return true;
    this.#refused.add(allowance);
    this.#arm(nowMs);
    return false;
  }

  /** Queues the rest of a block in progress. */
  hold(rest: Rest): void {
    this.#waiting.add(rest);
  }

  /** Drops everything of a closed stream. */
  drop(allowance: UploadAllowance): void {
    this.#refused.delete(allowance);
    for (const rest of this.#waiting) if (rest.allowance === allowance) this.#waiting.delete(rest);
  }

  /** Rests whose turn has come, first in, first out. The caller takes their bytes from their allowances. */
  *release(nowMs: number): Generator<Rest> {
    if (this.#waiting.size === 0) return;
    for (const rest of this.#waiting) {
      if (!rest.allowance.mayTake(nowMs)) continue;
      this.#waiting.delete(rest);
      yield rest;
    }
    if (this.#waiting.size > 0) this.#arm(nowMs);
  }

  /** Lets refused allowances ask again. */
  tick(nowMs: number): void {
    if (nowMs < this.#wakeMs) return;
    this.#wakeMs = Infinity;
    this.#refused.clear();
  }

  #arm(nowMs: number): void {
    if (this.#wakeMs !== Infinity) return;
    let waitMs = MAX_WAIT_MS;
    for (const { allowance } of this.#waiting) waitMs = Math.min(waitMs, allowance.waitMs(nowMs));
    for (const allowance of this.#refused) waitMs = Math.min(waitMs, allowance.waitMs(nowMs));
    this.#wakeMs = nowMs + Math.max(MIN_WAIT_MS, waitMs);
  }
}
