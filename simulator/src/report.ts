import Table from 'cli-table3';
import { quantile, type SimulationResult } from './result.js';

export interface TimedResult {
  readonly result: SimulationResult;
  /** Wall time of the run. */
  readonly wallSeconds: number;
}

/** One line for each result. */
export function tableOf(results: readonly TimedResult[]): string {
  const head = [
    'scenario',
    'done',
    'floor',
    'p50',
    'p99',
    'p99.9',
    'last',
    'seeder',
    'twice',
    'crossed',
    'events/s',
  ];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { result, wallSeconds } of results) {
    const { overFloor, tookMs, seederShare, duplicateShare } = result;
    const at = (q: number): string => quantile(overFloor, q).toFixed(3);
    table.push([
      result.scenario,
      `${result.finished}/${result.downloaders}`,
      `${(quantile(tookMs, 1) / quantile(overFloor, 1) / 1000).toFixed(2)} s`,
      at(0.5),
      at(0.99),
      at(0.999),
      `${at(1)} (${(quantile(tookMs, 1) / 1000).toFixed(2)} s)`,
      `${seederShare.toFixed(3)} ×`,
      `${(duplicateShare * 100).toFixed(2)} %`,
      result.crossedShare === 0 ? '-' : `${result.crossedShare.toFixed(2)} ×`,
      Math.round(result.events / wallSeconds).toLocaleString('en'),
    ]);
  }
  return table.toString();
}
