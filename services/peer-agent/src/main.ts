import { scopeOf, type ConfigSources } from '@enjambre/common/config/config-file';
import { resolveOptions, type Environment, type Flags } from '@enjambre/common/config/options';
import { checkTlsOptions } from '@enjambre/common/config/tls-options';
import { loadMetrics } from '@enjambre/common/metrics/load-metrics';
import { runUntilSignal } from '@enjambre/common/lifecycle/run';
import { agentOptions } from './config.js';
import { tuneHeap } from './heap.js';
import { createAgent } from './service.js';

/** Runs an agent until SIGINT or SIGTERM. Throws {@link EnjambreError} if it cannot start. */
export async function run(
  flags: Flags,
  environment: Environment,
  sources: ConfigSources = {},
): Promise<void> {
  tuneHeap();
  const config = resolveOptions(agentOptions, flags, environment, scopeOf('agent', agentOptions, sources));
  checkTlsOptions(config);
  await runUntilSignal(createAgent(config, await loadMetrics(config.metrics)));
}
