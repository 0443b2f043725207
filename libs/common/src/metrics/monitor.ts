import type { TcpAddress } from '../config/address.js';
import type { Health } from '../health/health.js';
import type { Startable } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';
import { measureHealth } from './health-metrics.js';
import type { Metrics } from './metrics.js';
import { MonitorServer } from './monitor-server.js';

export interface MonitorComponents {
  readonly log: Logger;
  /** Absent if nobody is to read them. */
  readonly metrics: Metrics | undefined;
}

/**
 * What monitoring sees of services in this process. To be started first and stopped last, so
 * that it answers while they start and drain.
 */
export class Monitor implements Startable {
  readonly #metrics: Metrics | undefined;
  readonly #health: Health[];
  readonly #server: MonitorServer | undefined;

  /**
   * @param listen where the pages are; if undefined, who gave the metrics has them elsewhere
   * @param beside how other services in this process are
   */
  constructor(
    { log, metrics }: MonitorComponents,
    listen: TcpAddress | undefined,
    beside: readonly Health[] = [],
  ) {
    this.#metrics = metrics;
    this.#health = [...beside];
    if (metrics && listen)
      this.#server = new MonitorServer({ metrics, health: this.#health, log }, { listen });
  }

  /** Shows how a service is, and what `measure` adds; without metrics that is not called. */
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
