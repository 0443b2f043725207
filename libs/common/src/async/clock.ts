import { sleep } from './sleep.js';

/** A planned call. */
export interface Timer {
  /** Has no effect after a call that was planned once. */
  cancel(): void;
}

/** The time, and calls planned by it. */
export interface Clock {
  /** Monotonic milliseconds. Only differences have a meaning. */
  nowMs(): number;
  /** Milliseconds since 1970-01-01T00:00Z; a person can set this clock, also back. */
  epochMs(): number;
  /** Calls `work` once, in `ms`. */
  after(ms: number, work: () => void): Timer;
  /** Calls `work` every `ms`, for the first time in `ms`. */
  every(ms: number, work: () => void): Timer;
  /** Calls `work` in the next round of the event loop, after pending I/O. */
  nextRound(work: () => void): void;
  /** Resolves after `ms` with true, or with false when `signal` aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<boolean>;
}

/** The clock of this machine. Its timers do not keep the process alive. */
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
