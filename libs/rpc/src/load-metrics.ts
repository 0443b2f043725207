import type { Metrics } from '@enjambre/common/metrics/metrics';

/** What a process keeps to be measured by, its calls as a client in it; loaded only if somebody is to read it. */
export async function loadMetrics(address: unknown): Promise<{ readonly metrics?: Metrics }> {
  if (address === undefined) return {};
  const [{ Metrics: Kept }, { measureLog }, { CallCounts, countMade }, { observeCalls }] = await Promise.all([
    import('@enjambre/common/metrics/metrics'),
    import('@enjambre/common/metrics/log-metrics'),
    import('./call-metrics.js'),
    import('./call-observers.js'),
  ]);
  const metrics = new Kept();
  measureLog(metrics);
  observeCalls(countMade(new CallCounts(metrics, 'client')));
  return { metrics };
}
