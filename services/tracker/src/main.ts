import { scopeOf, type ConfigSources } from '@enjambre/common/config/config-file';
import { resolveOptions, type Environment, type Flags } from '@enjambre/common/config/options';
import { checkTlsOptions, openTls, requireTls } from '@enjambre/common/config/tls-options';
import { loadMetrics } from '@enjambre/common/metrics/load-metrics';
import { runUntilSignal } from '@enjambre/common/lifecycle/run';
import { trackerOptions, type TrackerConfig } from './config.js';
import { createTracker, type TrackerOverrides } from './service.js';

/** The certificate, and the CA if there is one. Throws as `openTls` and `readCa` do. */
async function openTrust(config: TrackerConfig): Promise<Pick<TrackerOverrides, 'tls' | 'issuer'>> {
  const tls = await openTls(config, 'tracker');
  if (config.insecure) return { tls };
  if (config.ca === undefined) {
    if (!tls) requireTls(config, addressesOf(config), ['tls', 'ca']);
    return { tls };
  }
  // These modules take long to load: only a tracker that has a CA waits for them.
  const [{ CaSource }, { tlsWithCa }, { Issuer }, { SelfIssuedTls }] = await Promise.all([
    import('@enjambre/common/trust/ca-source'),
    import('@enjambre/common/trust/tls-with-ca'),
    import('./adapters/certificates/issuer.js'),
    import('@enjambre/common/trust/self-issued-tls'),
  ]);
  const ca = await CaSource.open(config.ca);
  const own = await (tls ? tlsWithCa(tls, ca) : SelfIssuedTls.create({ ca, role: 'tracker' }));
  return { tls: own, issuer: new Issuer(ca, { revocations: own.revocations }) };
}

function addressesOf({ listen, messaging }: TrackerConfig): Parameters<typeof requireTls>[1] {
  return [
    { key: 'listen', address: listen },
    { key: 'messaging', address: messaging },
  ];
}

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
  checkTlsOptions(config, { ca: config.ca });
  const trust = await openTrust(config);
  await runUntilSignal(createTracker(config, { ...(await loadMetrics(config.metrics)), ...trust }));
}
