import type { Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@enjambre/common/async/clock';
import type { Logger } from '@enjambre/common/log/logger';
import type { Metrics } from '@enjambre/common/metrics/metrics';
import type { Accepted, Credentials } from '../credentials.js';
import { Budgets, type Resource } from './budgets.js';
import { Calls } from './calls.js';
import { Connections } from './connections.js';
import type { Methods } from './grpc-internals.js';
import type { ServerLimits } from './limits.js';
import { measureRefusals, Refusals } from './refusals.js';

export interface GateComponents {
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics | undefined;
  readonly clientOf: Credentials['clientOf'];
  readonly limits: ServerLimits;
  /** Percentage of each limit that one party may use. */
  readonly budgetPercent: number;
  /** Returns a function that serves a connection, or gives one without TLS to `refuse`. */
  readonly secure: (refuse: Accepted['refuse']) => (socket: Socket) => void;
}

/** Keeps what a stranger can take of a server within {@link ServerLimits}. */
export class Gate {
  readonly #budgets: Budgets;
  readonly #connections: Connections;
  readonly #calls: Calls;

  constructor({ log, clock, metrics, clientOf, secure, ...init }: GateComponents) {
    this.#budgets = new Budgets(init.limits, init.budgetPercent);
    const refusals = new Refusals({ log, clock });
    if (metrics) measureRefusals(metrics, refusals);
    const parts = { budgets: this.#budgets, refusals, clock };
    this.#connections = new Connections({ ...parts, clientOf }, secure);
    this.#calls = new Calls({ ...parts, limits: init.limits, connections: this.#connections });
  }

  /** What all clients hold. */
  held(resource: Resource): number {
    return this.#budgets.held(resource);
  }

  /** Guards the streams of the server that serves the connections. */
  guard(server: Http2Server, methods: Methods): void {
    this.#connections.guard(server);
    this.#calls.guard(server, methods);
  }

  accept(socket: Socket): void {
    this.#connections.accept(socket);
  }

  stop(): void {
    this.#connections.stop();
  }
}
