import { appendFileSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * Loaded into an agent by `--import`: records each stall of its event loop, one JSON object per line, in
 * the file named by LOOP_PROBE_FILE.
 */

/** Interval between two readings of the clock. */
const EVERY_MS = 2;
/** Shortest stall that is recorded. */
const LEAST_MS = 10;

const file = process.env['LOOP_PROBE_FILE'];
if (isMainThread && file !== undefined && file !== '') watchLoop(file);

function watchLoop(path: string): void {
  let [last, cpu] = [performance.now(), cpuMs()];
  setInterval(() => {
    const [ms, used] = [performance.now() - last - EVERY_MS, cpuMs() - cpu];
    const line = { atMs: Date.now() - ms, ms, cpuMs: used };
    if (ms > LEAST_MS) appendFileSync(path, `${JSON.stringify(line)}\n`);
    [last, cpu] = [performance.now(), cpuMs()];
  }, EVERY_MS).unref();
}

/** Processor time of this thread: time in which other processes run is no stall of the agent. */
function cpuMs(): number {
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6;
}
