import type { Startable } from '../lifecycle/lifecycle.js';
import type { Health } from './health.js';

/** A server of grpc.health.v1. Setting a status that it already has is no change. */
export interface HealthServer {
  /** Sets the status of the server and of all its services. */
  setServing(serving: boolean): void;
  /** Sets the status of one named part of the service. */
  setPart(name: string, serving: boolean): void;
}

/** Poll interval: a lost NATS or a full disk is reported soon. */
const EVERY_MS = 250;

/**
 * Reports the health of a service to its servers while it runs. Start it last, so that it stops first:
 * clients then receive NOT_SERVING before their calls end.
 */
export class HealthKeeper implements Startable {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly health: Health,
    private readonly servers: readonly HealthServer[],
  ) {}

  start(): Promise<void> {
    this.health.enter('running');
    this.#tell();
    this.#timer = setInterval(() => this.#tell(), EVERY_MS);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    this.health.enter('draining');
    this.#tell();
    return Promise.resolve();
  }

  #tell(): void {
    const { ready, checks } = this.health.report();
    for (const server of this.servers) {
      server.setServing(ready);
      for (const [name, well] of Object.entries(checks))
        server.setPart(name, well && !this.health.isDraining);
    }
  }
}
