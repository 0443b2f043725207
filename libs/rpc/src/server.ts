import { unlink } from 'node:fs/promises';
import {
  Server,
  ServerInterceptingCall,
  logVerbosity,
  setLogVerbosity,
  type ServerInterceptor,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { formatAddress, type Address } from '@enjambre/common/config/address';
import { cannotListen } from '@enjambre/common/config/cannot-listen';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import type { Metrics } from '@enjambre/common/metrics/metrics';
import { isTracing } from '@enjambre/common/tracing/tracing';
import { CallCounts, countServed } from './call-metrics.js';
import { traceServed } from './call-tracing.js';
import { credentialsAt, type Credentials } from './credentials.js';
import { ServedHealth } from './health.js';
import { bind } from './listen.js';
import { noteReachedAt } from './reached-at.js';
import { addReflection } from './reflection.js';

export interface ServedService {
  /** Full name, such as "enjambre.tracker.v1.TrackerService". */
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface GrpcServerOptions {
  readonly listen: Address;
  readonly credentials: Credentials;
  /** The setting that says where it listens, for errors. @default 'listen' */
  readonly listenSetting?: string;
  readonly services: readonly ServedService[];
  readonly log: Logger;
  /** Largest message taken, in bytes. @default 1 MiB */
  readonly maxReceiveBytes?: number;
  /** Open calls may go on so long after `stop`, in milliseconds. @default 3000 */
  readonly graceMs?: number;
  /** Where its calls are counted. @default nowhere */
  readonly metrics?: Metrics | undefined;
  /** Handlers learn at which address they were reached: see `reachedAt`. @default false */
  readonly notesReachedAt?: boolean;
}

/** A lost client is noticed after at most the sum of the two. */
const KEEPALIVE_TIME_MS = 4000;
const KEEPALIVE_TIMEOUT_MS = 3000;
/** Clients may ping as often as this without being sent away. */
const MIN_CLIENT_PING_MS = 1000;
const DEFAULT_MAX_RECEIVE_BYTES = 1 << 20;
const DEFAULT_GRACE_MS = 3000;

/**
 * A gRPC server as we want all of them: health, reflection, keepalive, message limits
 * and a stop that lets calls finish.
 */
export class GrpcServer implements Startable {
  readonly #options: GrpcServerOptions;
  readonly #health: ServedHealth;
  #server: Server | undefined;
  #bound: Address | undefined;
  /** Lets the calls in that came before {@link start}. */
  #open: () => void = () => undefined;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#health = new ServedHealth(options.services.map(({ name }) => name));
  }

  /** Where it listens, with the port that the system chose if it was 0. */
  get address(): Address {
    if (!this.#bound) throw new Error('the server does not listen yet');
    return this.#bound;
  }

  /** Throws `unavailable`, PORT_IN_USE or CANNOT_LISTEN. */
  async start(): Promise<void> {
    if (!this.#server) await this.#listen();
    this.#open();
    this.setServing(true);
  }

  /** Takes its address before {@link start}: calls wait until then. Throws what that throws. */
  async reserve(): Promise<void> {
    const opened = new Promise<void>((resolve) => (this.#open = resolve));
    await this.#listen(waitFor(opened));
  }

  async #listen(...held: ServerInterceptor[]): Promise<void> {
    const { services, listen, listenSetting, credentials, metrics, notesReachedAt } = this.#options;
    const interceptors = [
      ...(notesReachedAt ? [noteReachedAt] : []),
      ...(metrics ? [countServed(new CallCounts(metrics, 'server'))] : []),
      ...(isTracing() ? [traceServed] : []),
      ...held,
    ];
    // What goes wrong is thrown or logged by us; grpc-js would write it to standard error besides.
    if (!process.env.GRPC_VERBOSITY) setLogVerbosity(logVerbosity.NONE);
    this.#server = new Server({ ...this.#serverOptions(), interceptors });
    for (const { definition, implementation } of services)
      this.#server.addService(definition, implementation);
    this.#health.addTo(this.#server);
    addReflection(this.#server, [...services.map(({ name }) => name), 'grpc.health.v1.Health']);
    const server = this.#server;
    const secured = credentialsAt(formatAddress(listen), credentials);
    this.#bound = await bind(server, listen, secured.server).catch((error: unknown) => {
      this.#server = undefined;
      throw cannotListen(listen, error, listenSetting);
    });
  }

  /** What health checks are told of this server and all its services. */
  setServing(serving: boolean): void {
    this.#health.setServing(serving);
  }

  /** What they are told of a part of the service that has a name of its own. Who watches hears of changes only. */
  setPart(name: string, serving: boolean): void {
    this.#health.setPart(name, serving);
  }

  /** Not serving → no new calls → open calls finish or run out of grace → closed. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    this.setServing(false);
    const graceMs = this.#options.graceMs ?? DEFAULT_GRACE_MS;
    // What cuts connections off when the grace is over is the drain: without channelz, forceShutdown knows none.
    if (this.#bound) server.drain(formatAddress(this.#bound), graceMs);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        server.forceShutdown();
        resolve();
      }, graceMs);
      server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    if (this.#bound?.kind === 'unix') await unlink(this.#bound.path).catch(() => undefined);
  }

  #serverOptions(): ServerOptions {
    return {
      'grpc.max_receive_message_length': this.#options.maxReceiveBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
      'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.min_ping_interval_without_data_ms': MIN_CLIENT_PING_MS,
      'grpc.enable_channelz': 0,
    };
  }
}

/** Holds every call back until `opened`. */
function waitFor(opened: Promise<void>): ServerInterceptor {
  return (_, call) => new ServerInterceptingCall(call, { start: (next) => void opened.then(() => next()) });
}
