import { appendFileSync, readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

/**
 * Is loaded into an agent by `--import`: notes each time that its event loop stood still, a JSON object a line, in
 * the file that LOOP_PROBE_FILE names.
 */

/** Between two looks at the clock. */
const EVERY_MS = 2;
/** What is noted. */
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

/** What this thread has had of a processor: while others have it, nothing of the agent's blocks. */
function cpuMs(): number {
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[0]) / 1e6;
}
