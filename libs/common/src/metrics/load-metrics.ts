import type { Metrics } from './metrics.js';

/** What a process keeps to be measured by; loaded only if somebody is to read it. */
export async function loadMetrics(address: unknown): Promise<{ readonly metrics?: Metrics }> {
  if (address === undefined) return {};
  const [{ Metrics: Kept }, { measureLog }] = await Promise.all([
    import('./metrics.js'),
    import('./log-metrics.js'),
  ]);
  const metrics = new Kept();
  measureLog(metrics);
  return { metrics };
}
