import type { TcpAddress } from '../config/address.js';
import type { Health } from '../health/health.js';
import type { Startable } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';
import { measureHealth } from './health-metrics.js';
import type { Metrics } from './metrics.js';
import { MonitorServer, type MonitorTls } from './monitor-server.js';

export interface MonitorComponents {
  readonly log: Logger;
  /** Absent if metrics are not exposed. */
  readonly metrics: Metrics | undefined;
  /** Secures the pages. @default plaintext */
  readonly tls?: MonitorTls | undefined;
}

/**
 * Monitoring of the services in this process. Start it first and stop it last, so that it answers while they
 * start and drain.
 */
export class Monitor implements Startable {
  readonly #metrics: Metrics | undefined;
  readonly #health: Health[];
  readonly #server: MonitorServer | undefined;

  /**
   * @param listen address of the pages; if undefined, the owner of the metrics serves them elsewhere
   * @param beside health of other services in this process
   */
  constructor(
    { log, metrics, tls }: MonitorComponents,
    listen: TcpAddress | undefined,
    beside: readonly Health[] = [],
  ) {
    this.#metrics = metrics;
    this.#health = [...beside];
    if (metrics && listen)
      this.#server = new MonitorServer({ metrics, health: this.#health, log, tls }, { listen });
  }

  /** Adds the health of a service, and the metrics of `measure`; without metrics `measure` is not called. */
  observe(health: Health, measure: (metrics: Metrics) => void): void {
    this.#health.push(health);
    if (!this.#metrics) return;
    measureHealth(this.#metrics, health);
    measure(this.#metrics);
  }

  /** Throws `unavailable`, PORT_IN_USE or CANNOT_LISTEN. */
  async start(): Promise<void> {
    await this.#server?.start();
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }
}
