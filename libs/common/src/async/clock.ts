import { sleep } from './sleep.js';

/** A scheduled call. */
export interface Timer {
  /** Cancels all further calls. No effect after a one-time call has run. */
  cancel(): void;
}

/** Time and timers. */
export interface Clock {
  /** Monotonic milliseconds; only differences are meaningful. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch. This clock can be set, also backwards. */
  epochMs(): number;
  /** Calls `work` once, after `ms`. */
  after(ms: number, work: () => void): Timer;
  /** Calls `work` every `ms`, first after `ms`. */
  every(ms: number, work: () => void): Timer;
  /** Calls `work` in the next round of the event loop, after pending I/O. */
  nextRound(work: () => void): void;
  /** Resolves with true after `ms`, or with false when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<boolean>;
}

/** The system clock. Its timers do not keep the process alive. */
export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  epochMs: () => Date.now(),
  after: (ms, work) => timerOf(setTimeout(work, ms)),
  every: (ms, work) => timerOf(setInterval(work, ms)),
  nextRound: (work) => void setImmediate(work),
  sleep,
};

function timerOf(timeout: NodeJS.Timeout): Timer {
  timeout.unref();
  return {
    cancel: () => {
      clearTimeout(timeout);
    },
  };
}
