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
  /** Name of the setting for the listen address, for errors. @default 'listen' */
  readonly listenSetting?: string;
  readonly services: readonly ServedService[];
  readonly log: Logger;
  /** Largest accepted message in bytes. @default 1 MiB */
  readonly maxReceiveBytes?: number;
  /** Time that open calls have to finish after `stop`, in milliseconds. @default 3000 */
  readonly graceMs?: number;
  /** Metrics that count its calls. @default none */
  readonly metrics?: Metrics | undefined;
  /** Records for handlers the address at which they were reached: see `reachedAt`. @default false */
  readonly notesReachedAt?: boolean;
}

/** A lost client is detected after at most the sum of the two. */
const KEEPALIVE_TIME_MS = 4000;
const KEEPALIVE_TIMEOUT_MS = 3000;
/** Clients that ping more often are disconnected. */
const MIN_CLIENT_PING_MS = 1000;
const DEFAULT_MAX_RECEIVE_BYTES = 1 << 20;
const DEFAULT_GRACE_MS = 3000;

/**
 * The gRPC server of all our services: health, reflection, keepalive, message limits, and a stop that lets
 * calls finish.
 */
export class GrpcServer implements Startable {
  readonly #options: GrpcServerOptions;
  readonly #health: ServedHealth;
  #server: Server | undefined;
  #bound: Address | undefined;
  /** Admits the calls that arrived before {@link start}. */
  #open: () => void = () => undefined;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#health = new ServedHealth(options.services.map(({ name }) => name));
  }

  /** Its address, with the port that the system chose if it was 0. */
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

  /** Binds its address before {@link start}: calls wait until then. Throws the errors of {@link start}. */
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
    // Our code throws or logs errors; grpc-js would write them to standard error as well.
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

  /** Sets the health status of this server and all its services. */
  setServing(serving: boolean): void {
    this.#health.setServing(serving);
  }

  /** Sets the health status of a named part of the service. Watchers receive only changes. */
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
    // The drain closes connections when the grace period ends: without channelz, forceShutdown does not know
    // them.
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

/** Delays every call until `opened`. */
function waitFor(opened: Promise<void>): ServerInterceptor {
  return (_, call) => new ServerInterceptingCall(call, { start: (next) => void opened.then(() => next()) });
}
