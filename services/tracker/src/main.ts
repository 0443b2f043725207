import { scopeOf, type ConfigSources } from '@enjambre/common/config/config-file';
import { resolveOptions, type Environment, type Flags } from '@enjambre/common/config/options';
import { openTls } from '@enjambre/common/config/tls-options';
import { loadMetrics } from '@enjambre/common/metrics/load-metrics';
import { runUntilSignal } from '@enjambre/common/lifecycle/run';
import { trackerOptions } from './config.js';
import { createTracker } from './service.js';

/**
 * Runs a tracker in the foreground until SIGINT or SIGTERM. Throws `invalid` BAD_OPTION,
 * `unavailable` PORT_IN_USE or CANNOT_LISTEN.
 */
export async function run(
  flags: Flags,
  environment: Environment,
  sources: ConfigSources = {},
): Promise<void> {
  const config = resolveOptions(
    trackerOptions,
    flags,
    environment,
    scopeOf('tracker', trackerOptions, sources),
  );
  const tls = await openTls(config, 'tracker');
  await runUntilSignal(createTracker(config, { ...(await loadMetrics(config.metrics)), tls }));
}
