import { setImmediate as pendingWork } from 'node:timers/promises';
import type { Clock, Timer } from '@enjambre/common/async/clock';
import { VirtualTime } from './virtual-time.js';

const EPOCH_MS = Date.UTC(2026, 0, 1);

/** A clock that only the test advances. */
export class VirtualClock implements Clock {
  readonly #time = new VirtualTime();

  nowMs(): number {
    return this.#time.nowMs;
  }

  epochMs(): number {
    return EPOCH_MS + this.#time.nowMs;
  }

  after(ms: number, work: () => void): Timer {
    return { cancel: this.#time.in(Math.max(0, ms), work) };
  }

  every(ms: number, work: () => void): Timer {
    const next = (): (() => void) =>
      this.#time.in(ms, () => {
        cancel = next();
        work();
      });
    let cancel = next();
    return {
      cancel: () => {
        cancel();
      },
    };
  }

  nextRound(work: () => void): void {
    this.#time.in(0, work);
  }

  sleep(ms: number, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const aborted = (): void => {
        timer.cancel();
        resolve(false);
      };
      const timer = this.after(ms, () => {
        signal.removeEventListener('abort', aborted);
        resolve(true);
      });
      signal.addEventListener('abort', aborted, { once: true });
    });
  }

  /**
   * Advances by `ms`. Promises that settle without I/O have settled after each scheduled call, and at the
   * end.
   */
  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs() + ms;
    do await pendingWork();
    while (this.#time.step(untilMs));
    this.#time.advance(untilMs - this.nowMs());
    await pendingWork();
  }
}
