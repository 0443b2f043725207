import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';

/**
 * The service name of liveness probes: SERVING as soon as the server answers calls, even while a dependency
 * is down, because a restart would not fix that.
 */
export const LIVENESS = 'enjambre.live';

/** A server's answers to grpc.health.v1. */
export class ServedHealth {
  readonly #services: readonly string[];
  readonly #implementation: HealthImplementation;
  readonly #told = new Map<string, boolean>();

  /** @param services full names of the served services */
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

  /** Sets the status of the server and of all its services. */
  setServing(serving: boolean): void {
    this.setPart('', serving);
    for (const name of this.#services) this.setPart(name, serving);
  }

  /** Sets the status of a named part of the service. Watchers receive only changes. */
  setPart(name: string, serving: boolean): void {
    if (this.#told.get(name) === serving) return;
    this.#told.set(name, serving);
    this.#implementation.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
  }
}
