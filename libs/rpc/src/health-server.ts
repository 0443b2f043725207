import { formatAddress, type Address } from '@enjambre/common/config/address';
import type { Health } from '@enjambre/common/health/health';
import { HealthKeeper, type HealthServer } from '@enjambre/common/health/health-keeper';
import type { Lifecycle } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { PLAINTEXT } from './credentials.js';
import { GrpcServer } from './server.js';

interface HealthServerInit {
  /** `--health-listen`; undefined for none. */
  readonly healthListen: Address | undefined;
  readonly addressBudget: number;
}

/** Serves grpc.health.v1, and nothing else, in plaintext: the probes of Kubernetes speak no TLS. */
class ProbedServer extends GrpcServer {
  constructor(
    private readonly log: Logger,
    listen: Address,
    budgetPercent: number,
  ) {
    super({
      log,
      listen,
      listenSetting: 'healthListen',
      credentials: PLAINTEXT,
      services: [],
      budgetPercent,
    });
  }

  override async start(): Promise<void> {
    await super.start();
    const health = formatAddress(this.address);
    this.log.info({ health }, `health in plaintext at ${health}`);
  }
}

interface HealthParts {
  readonly lifecycle: Pick<Lifecycle, 'add'>;
  readonly health: Health;
  readonly log: Logger;
}

/**
 * Adds the last parts of a program: the server of `--health-listen`, if there is one, and what reports the health to that
 * and to `servers`.
 */
export function addHealth(
  { lifecycle, health, log }: HealthParts,
  servers: readonly HealthServer[],
  { healthListen, addressBudget }: HealthServerInit,
): void {
  const probed = healthListen ? [new ProbedServer(log, healthListen, addressBudget)] : [];
  for (const server of probed) lifecycle.add('health server', server);
  lifecycle.add('health', new HealthKeeper(health, [...servers, ...probed]));
}
