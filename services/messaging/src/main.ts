import { scopeOf, type ConfigSources } from '@enjambre/common/config/config-file';
import { resolveOptions, type Environment, type Flags } from '@enjambre/common/config/options';
import { checkTlsOptions, requireTls } from '@enjambre/common/config/tls-options';
import { loadMetrics } from '@enjambre/common/metrics/load-metrics';
import { runUntilSignal } from '@enjambre/common/lifecycle/run';
import { messagingOptions } from './config.js';
import { openOwnTls } from './own-tls.js';
import { createMessaging } from './service.js';

/**
 * Runs a messaging service in the foreground until SIGINT or SIGTERM. Throws `invalid` BAD_OPTION,
 * `unavailable` PORT_IN_USE or CANNOT_LISTEN.
 */
export async function run(
  flags: Flags,
  environment: Environment,
  sources: ConfigSources = {},
): Promise<void> {
  const config = resolveOptions(
    messagingOptions,
    flags,
    environment,
    scopeOf('messaging', messagingOptions, sources),
  );
  checkTlsOptions(config);
  const tls = await openOwnTls(config);
  if (!tls) requireTls(config, [{ key: 'listen', address: config.listen }], ['join', 'tls']);
  await runUntilSignal(createMessaging(config, { ...(await loadMetrics(config.metrics)), tls }));
}
