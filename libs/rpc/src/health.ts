import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/**
 * The service name of liveness probes: SERVING as soon as the server answers calls, even while a dependency is down, since
 * a restart does not bring that back.
 */
export const LIVENESS = 'enjambre.live';

/** What a server answers to grpc.health.v1. */
export class ServedHealth {
  readonly #services: readonly string[];
  readonly #implementation: HealthImplementation;
  readonly #told = new Map<string, boolean>();

  /** @param services full names of what the server serves */
  constructor(services: readonly string[]) {
    this.#services = services;
    const names = services.map((name) => [name, 'NOT_SERVING'] as const);
    this.#implementation = new HealthImplementation({
      '': 'NOT_SERVING',
      [LIVENESS]: 'SERVING',
      ...Object.fromEntries(names),
    });
  }

  addTo(server: Server): void {
    this.#implementation.addToServer(server);
  }

  /** Of the server and all its services. */
  setServing(serving: boolean): void {
    this.setPart('', serving);
    for (const name of this.#services) this.setPart(name, serving);
  }

  /** Of a part of the service that has a name of its own. Who watches hears of changes only. */
  setPart(name: string, serving: boolean): void {
    if (this.#told.get(name) === serving) return;
    this.#told.set(name, serving);
    this.#implementation.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  }
}
