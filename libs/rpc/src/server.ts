import {
  Server,
  ServerInterceptingCall,
  logVerbosity,
  setLogVerbosity,
  type ConnectionInjector,
  type ServerInterceptor,
  type ServerOptions,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { formatAddress, type Address } from '@enjambre/common/config/address';
import { cannotListen } from '@enjambre/common/config/cannot-listen';
import { SYSTEM_CLOCK, type Clock } from '@enjambre/common/async/clock';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import type { Metrics } from '@enjambre/common/metrics/metrics';
import { isTracing } from '@enjambre/common/tracing/tracing';
import { CallCounts, countServed } from './call-metrics.js';
import { traceServed } from './call-tracing.js';
import { credentialsAt, DECRYPTED, type Credentials } from './credentials.js';
import type { Resource } from './gate/budgets.js';
import { Gate } from './gate/gate.js';
import { addHttp2Options, http2ServerOf, methodsOf } from './gate/grpc-internals.js';
import { MAX_HEADERS, SERVICE_LIMITS, type ServerLimits } from './gate/limits.js';
import { ServedHealth } from './health.js';
import { listen, type Listening } from './listen.js';
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
  /** What its clients may use; those of a unix socket have no limits. @default SERVICE_LIMITS */
  readonly limits?: ServerLimits;
  /** Percentage of each limit that the clients of one address may use together. @default 5 */
  readonly budgetPercent?: number;
  /** @default the system clock */
  readonly clock?: Clock;
  /** Records for handlers the address at which they were reached: see `reachedAt`. @default false */
  readonly notesReachedAt?: boolean;
}

/** The parts of a server between start and stop. */
interface Running {
  readonly server: Server;
  readonly injector: ConnectionInjector;
  readonly gate: Gate | undefined;
  /** Undefined until it listens. */
  listening: Listening | undefined;
}

/** A lost client is detected after at most the sum of the two. */
const KEEPALIVE_TIME_MS = 4000;
const KEEPALIVE_TIMEOUT_MS = 3000;
/** Clients that ping more often are disconnected. */
const MIN_CLIENT_PING_MS = 1000;
/** Of Node's HTTP/2 server, below its streams. Its other limits are low enough by default. */
const HTTP2_OPTIONS = {
  /** A call with more is reset by HTTP/2 itself. */
  maxHeaderListPairs: MAX_HEADERS,
};
const DEFAULT_MAX_RECEIVE_BYTES = 1 << 20;
const DEFAULT_GRACE_MS = 3000;

/**
 * The gRPC server of all our services: health, reflection, keepalive, message limits, and a stop that lets
 * calls finish.
 */
export class GrpcServer implements Startable {
  readonly #options: GrpcServerOptions;
  readonly #health: ServedHealth;
  #running: Running | undefined;
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

  /** What its clients hold together; 0 for a unix socket, where nobody counts. */
  held(resource: Resource): number {
    return this.#running?.gate?.held(resource) ?? 0;
  }

  /** Throws `unavailable`, PORT_IN_USE or CANNOT_LISTEN. */
  async start(): Promise<void> {
    if (!this.#running) await this.#listen();
    this.#open();
    this.setServing(true);
  }

  /** Binds its address before {@link start}: calls wait until then. Throws the errors of {@link start}. */
  async reserve(): Promise<void> {
    const opened = new Promise<void>((resolve) => (this.#open = resolve));
    await this.#listen(waitFor(opened));
  }

  async #listen(...held: ServerInterceptor[]): Promise<void> {
    const { services, listen: at, listenSetting, credentials, metrics, log, notesReachedAt } = this.#options;
    const interceptors = [
      ...(notesReachedAt ? [noteReachedAt] : []),
      ...(metrics ? [countServed(new CallCounts(metrics, 'server'))] : []),
      ...(isTracing() ? [traceServed] : []),
      ...held,
    ];
    // Our code throws or logs errors; grpc-js would write them to standard error as well.
    if (!process.env.GRPC_VERBOSITY) setLogVerbosity(logVerbosity.NONE);
    const server = new Server({ ...this.#serverOptions(), interceptors });
    if (at.kind === 'tcp') addHttp2Options(server, HTTP2_OPTIONS);
    for (const { definition, implementation } of services) server.addService(definition, implementation);
    this.#health.addTo(server);
    addReflection(server, [...services.map(({ name }) => name), 'grpc.health.v1.Health']);
    const secured = credentialsAt(formatAddress(at), credentials);
    const injector = server.createConnectionInjector(DECRYPTED);
    const gate = this.#gate(injector, secured);
    gate?.guard(http2ServerOf(server), methodsOf(server));
    const accept = gate ? gate.accept.bind(gate) : injector.injectConnection.bind(injector);
    this.#running = { server, injector, gate, listening: undefined };
    try {
      this.#running.listening = await listen(at, {
        accept,
        failed: (err) => log.warn({ err }, `cannot accept connections at ${formatAddress(at)}`),
      });
    } catch (error) {
      gate?.stop();
      this.#running = undefined;
      throw cannotListen(at, error, listenSetting);
    }
    this.#bound = this.#running.listening.address;
  }

  /** None for a unix socket: its clients are no strangers. */
  #gate(injector: ConnectionInjector, { acceptor, clientOf }: Credentials): Gate | undefined {
    const {
      listen: at,
      log,
      metrics,
      limits = SERVICE_LIMITS,
      budgetPercent = 5,
      clock = SYSTEM_CLOCK,
    } = this.#options;
    if (at.kind === 'unix') return undefined;
    return new Gate({
      log,
      clock,
      metrics,
      clientOf,
      limits,
      budgetPercent,
      secure: (refuse) => acceptor({ serve: injector.injectConnection.bind(injector), refuse }),
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
    const running = this.#running;
    if (!running) return;
    this.#running = undefined;
    this.setServing(false);
    const { server, injector, gate, listening } = running;
    listening?.close();
    gate?.stop();
    const graceMs = this.#options.graceMs ?? DEFAULT_GRACE_MS;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        server.forceShutdown();
        resolve();
      }, graceMs);
      server.tryShutdown(() => {
        clearTimeout(timer);
        resolve();
      });
      // Ends the connections when the grace period ends: without channelz, forceShutdown does not know them.
      injector.drain(graceMs);
    });
  }

  #serverOptions(): ServerOptions {
    return {
      'grpc.max_receive_message_length': this.#options.maxReceiveBytes ?? DEFAULT_MAX_RECEIVE_BYTES,
      'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.min_ping_interval_without_data_ms': MIN_CLIENT_PING_MS,
      'grpc.enable_channelz': 0,
      ...(this.#options.listen.kind === 'tcp' && {
        'grpc.max_concurrent_streams': (this.#options.limits ?? SERVICE_LIMITS).streamsPerConnection,
      }),
    };
  }
}

/** Delays every call until `opened`. */
function waitFor(opened: Promise<void>): ServerInterceptor {
  return (_, call) => new ServerInterceptingCall(call, { start: (next) => void opened.then(() => next()) });
}
