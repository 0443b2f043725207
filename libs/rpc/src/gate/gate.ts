import type { Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '@enjambre/common/async/clock';
import type { Logger } from '@enjambre/common/log/logger';
import type { Metrics } from '@enjambre/common/metrics/metrics';
import { Budgets } from './budgets.js';
import { Connections } from './connections.js';
import type { ServerLimits } from './limits.js';
import { measureRefusals, Refusals } from './refusals.js';

export interface GateComponents {
  readonly log: Logger;
  readonly clock: Clock;
  readonly metrics: Metrics | undefined;
  readonly plaintext: boolean;
  readonly limits: ServerLimits;
  /** Percentage of each limit that one party may use. */
  readonly budgetPercent: number;
  /** Serves a connection. */
  readonly admit: (socket: Socket) => void;
}

/** Keeps what a stranger can take of a server within {@link ServerLimits}. */
export class Gate {
  readonly #budgets: Budgets;
  readonly #connections: Connections;

  constructor({ log, clock, metrics, plaintext, admit, ...init }: GateComponents) {
    this.#budgets = new Budgets(init.limits, init.budgetPercent);
    const refusals = new Refusals({ log, clock });
    if (metrics) measureRefusals(metrics, refusals);
    this.#connections = new Connections({ budgets: this.#budgets, refusals, clock, plaintext }, admit);
  }

  /** Open connections of all clients. */
  get connections(): number {
    return this.#budgets.held('connections');
  }

  /** Guards the streams of the server that serves the connections. */
  guard(server: Http2Server): void {
    server.on('stream', (stream) => {
      const connection = this.#connections.of(stream.session);
      if (connection) this.#connections.isUsed(connection);
    });
  }

  accept(socket: Socket): void {
    this.#connections.accept(socket);
  }

  stop(): void {
    this.#connections.stop();
  }
}
