import { droppedLogLines } from '../log/standard-output.js';
import type { Metrics } from './metrics.js';

/** Measures the lost log lines of this process. */
export function measureLog(metrics: Metrics): void {
  metrics.counter(
    {
      name: 'enjambre_log_lines_dropped_total',
      help: 'Log lines dropped because the disk was full, or the reader was slow, stopped or gone.',
    },
    droppedLogLines,
  );
}
