import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '@enjambre/common/system-error';

/** Maximum wait for other files to be closed. */
const PATIENCE_MS = 5000;
const RETRY_MS = 50;

/** More files are not kept open: reopening is fast. */
const MOST_KEPT_OPEN = 256;
const LEAST_KEPT_OPEN = 8;
/** Fraction of the system's limit: sockets, threads and the data folder need the rest. */
const SHARE_OF_LIMIT = 4;

/**
 * Opens a file, retrying for a few seconds while the process or the machine has too many open files. Calls `relieve`
 * before each retry.
 */
export async function openPatiently<T>(
  open: () => Promise<T>,
  relieve: () => void = () => undefined,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await open();
    } catch (error) {
      if (!['EMFILE', 'ENFILE'].includes(errnoOf(error)) || performance.now() > endMs) throw error;
    }
    relieve();
    await delay(RETRY_MS);
  }
}

/** Number of content files that this process may keep open, derived from the system's limit. */
export function openFilesShare(limits = readLimits()): number {
  const limit = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (limit === undefined) return MOST_KEPT_OPEN;
  return Math.max(LEAST_KEPT_OPEN, Math.min(MOST_KEPT_OPEN, Math.floor(Number(limit) / SHARE_OF_LIMIT)));
}

/** Available on Linux; empty elsewhere. */
function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
