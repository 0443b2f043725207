import type { Metrics } from './metrics.js';

/** The metrics of a process; loads their module only if they are exposed at `address`. */
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
