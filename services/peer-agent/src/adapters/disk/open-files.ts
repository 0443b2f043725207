import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '@enjambre/common/system-error';

/** How long is waited for other files to be closed. */
const PATIENCE_MS = 5000;
const RETRY_MS = 50;

/** More than that are not kept open: files are opened again quickly. */
const MOST_KEPT_OPEN = 256;
const LEAST_KEPT_OPEN = 8;
/** Of what the system allows, one in so many: sockets, threads and the data folder need the rest. */
const SHARE_OF_LIMIT = 4;

/**
 * Opens a file, again and again for a few seconds while the process or the machine has too
 * many open. `relieve` is called each time before it is tried again.
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

/** How many content files this process may keep open, by what the system allows it. */
export function openFilesShare(limits = readLimits()): number {
  const limit = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  if (limit === undefined) return MOST_KEPT_OPEN;
  return Math.max(LEAST_KEPT_OPEN, Math.min(MOST_KEPT_OPEN, Math.floor(Number(limit) / SHARE_OF_LIMIT)));
}

/** Linux tells; nothing elsewhere. */
function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return '';
  }
}
