import { droppedLogLines } from '../log/standard-output.js';
import type { Metrics } from './metrics.js';

/** What of the log of this process is lost. */
export function measureLog(metrics: Metrics): void {
  metrics.counter(
    {
      name: 'enjambre_log_lines_dropped_total',
      help: 'Lines that the log lost because its disk was full, or its reader stopped or gone.',
    },
    droppedLogLines,
  );
}
