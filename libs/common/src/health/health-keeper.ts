import type { Startable } from '../lifecycle/lifecycle.js';
import type { Health } from './health.js';

/** Where grpc.health.v1 is answered. What it was told before is no news to it. */
export interface HealthServer {
  /** Says so of the server and all its services. */
  setServing(serving: boolean): void;
  /** Says so of a part of the service that has a name of its own. */
  setPart(name: string, serving: boolean): void;
}

/** A lost NATS or a full disk is told so soon. */
const EVERY_MS = 250;

/**
 * Tells the servers of a service how it is, as long as it runs. To be started last, and so
 * stopped first: everybody hears that nothing more is served before calls are ended.
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
