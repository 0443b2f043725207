/** Bytes that moved at a point in virtual time. */
export interface Movement {
  readonly atMs: number;
  readonly bytes: number;
}

const WINDOW_MS = 10_000;

/**
 * The lowest and the highest rate, in bytes per second, over all windows of ten seconds between two times, in whole
 * milliseconds.
 */
export function tenSecondRates(
  movements: readonly Movement[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): { lowest: number; highest: number } {
  /** Bytes that moved before each millisecond. */
  const before = new Float64Array(toMs + 2);
  for (const { atMs, bytes } of movements) {
    if (atMs < toMs) before[Math.floor(atMs) + 1]! += bytes;
  }
  for (let ms = 1; ms < before.length; ms++) before[ms]! += before[ms - 1]!;
  let [lowest, highest] = [Infinity, 0];
  for (let startMs = fromMs; startMs + WINDOW_MS <= toMs; startMs++) {
    const rate = (before[startMs + WINDOW_MS]! - before[startMs]!) / (WINDOW_MS / 1000);
    lowest = Math.min(lowest, rate);
    highest = Math.max(highest, rate);
  }
  return { lowest, highest };
}
