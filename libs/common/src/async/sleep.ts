import { setTimeout as delay } from 'node:timers/promises';

/** Waits `ms` milliseconds or until `signal` aborts; never throws. Returns false if it was aborted. */
export async function sleep(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
