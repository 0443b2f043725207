import { isLoopbackHost, type Address } from '@enjambre/common/config/address';
import type { EventBus } from '@enjambre/common/events/event-bus';
import { startConsole } from '@enjambre/common/events/event-console';
import { permitted, WHOLE, WITHOUT_TEXTS } from '@enjambre/common/events/event-view';
import { mayReadTexts } from '@enjambre/core/trust/policy';
import { EventWatchers } from '@enjambre/common/events/event-watchers';
import { HandlerFactory } from '@enjambre/rpc/handlers';
import { addHealth } from '@enjambre/rpc/health-server';
import { openStreams } from '@enjambre/rpc/open-streams';
import { SERVICE_LIMITS } from '@enjambre/rpc/gate/limits';
import { GrpcServer, type ServedService } from '@enjambre/rpc/server';
import { credentialsFrom } from '@enjambre/rpc/tls-credentials';
import { Dialer } from '@enjambre/rpc/dialer';
import { Health } from '@enjambre/common/health/health';
import { natsCheck } from '@enjambre/common/health/nats-check';
import { Lifecycle, type Startable } from '@enjambre/common/lifecycle/lifecycle';
import { createLogger, type Logger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { OperatorToken } from '@enjambre/common/identity/operator-token';
import { measureCertificate } from '@enjambre/common/metrics/certificate-metrics';
import { measureEvents } from '@enjambre/common/metrics/event-metrics';
import type { Metrics } from '@enjambre/common/metrics/metrics';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { metricsTlsOf } from '@enjambre/common/config/tls-options';
import { TlsWatch } from '@enjambre/common/trust/tls-watch';
import { Monitor } from '@enjambre/common/metrics/monitor';
import type { TrackerServiceServer } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { certificateService } from './adapters/certificates/certificate-handlers.js';
import type { Issuer } from './adapters/certificates/issuer.js';
import { TokenBucket } from './adapters/certificates/token-bucket.js';
import { ConnectHandler } from './adapters/connect-handler.js';
import type { ConnectTimeouts } from './adapters/connect-session.js';
import { fromEvent } from './adapters/convert-events.js';
import { EndpointRules } from './adapters/endpoint-rules.js';
import { openEvents } from './adapters/event-sources.js';
import { lookupHandlers } from './adapters/lookup-handlers.js';
import { MemoryStore } from './adapters/memory/memory-store.js';
import { ReplicaSeal } from './adapters/nats/replica-seal.js';
import { NatsStore } from './adapters/nats/nats-store.js';
import { measureTracker } from './adapters/metrics.js';
import { TRACKER_DEFINITION } from './adapters/service-definition.js';
import { SessionHub } from './adapters/session-hub.js';
import { TrustWatchers } from './adapters/trust-watchers.js';
import { thisHost, type TrackerHost } from './adapters/tracker-host.js';
import { newReplicaId, Network, type NetworkStatus } from './app/network.js';
import { networkParts } from './app/network-parts.js';
import type { TrackerStore } from './app/ports.js';
import type { TrackerConfig } from './config.js';
import type { ReplicaId } from './domain/replica-state.js';
import type { TrackerEvent } from './domain/events.js';
import { DEFAULT_CAPACITY, type Capacity } from './domain/capacity.js';
import { SwarmRegistry } from './domain/swarm-registry.js';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';

/** Replacements for tests. */
export interface TrackerOverrides {
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number;
  readonly log?: Logger;
  readonly capacity?: Partial<Capacity>;
  readonly timeouts?: Partial<ConnectTimeouts>;
  /** Its host, for other trackers. @default this host */
  readonly host?: TrackerHost;
  /** Started and stopped by its owner. */
  readonly events?: EventBus;
  /** Replaces the store on NATS, or the one in memory without NATS. */
  readonly store?: (id: ReplicaId) => TrackerStore;
  /** Metrics to register with; the page is at `--metrics`. @default none */
  readonly metrics?: Metrics;
  /** Issues certificates. @default none */
  readonly issuer?: Issuer | undefined;
  /** The certificate for mutual TLS. @default none: plaintext */
  readonly tls?: ProgramTls | undefined;
}

export interface Tracker extends Startable {
  /** Its address; known once it has started. */
  readonly address: Address;
  /** The other trackers of the network, as seen by this one. */
  readonly network: NetworkStatus;
  /** Its health. */
  readonly health: Health;
}

/** Leaves room for streams before their hello and for sessions about to be replaced. */
const STREAMS_PER_SESSION = 2;
const SERVICE_NAME = 'enjambre.tracker.v1.TrackerService';
const DEFAULT_TIMEOUTS: ConnectTimeouts = { helloMs: 10_000, slowReaderMs: 30_000 };

/** Creates a tracker: standalone, or one of several on the same NATS. */
export function createTracker(config: TrackerConfig, overrides: TrackerOverrides = {}): Tracker {
  const { clock = Date.now, random = Math.random, host = thisHost(), metrics, tls } = overrides;
  const log =
    overrides.log ?? createLogger({ name: 'tracker', level: config.logLevel, format: config.logFormat });
  const capacity = { ...DEFAULT_CAPACITY, ...overrides.capacity };
  const timeouts = { ...DEFAULT_TIMEOUTS, ...overrides.timeouts };

  const credentials = credentialsFrom(tls, config);
  const dialer = new Dialer({ credentials, metrics });
  const lifecycle = new Lifecycle(log);
  if (tls) lifecycle.add('certificate', new TlsWatch({ log }, tls, config));
  const source = `tracker/${config.name}`;
  const monitor = lifecycle.add(
    'monitor',
    new Monitor({ log, metrics, tls: metricsTlsOf(tls, config) }, config.metrics),
  );
  const { nats: url } = config;
  const link = url === undefined ? undefined : new NatsLink({ log }, { url, files: config, name: source });
  if (link) lifecycle.add('nats', link);
  if (link) overrides.issuer?.shareUses(new TokenBucket({ link }, { replicas: config.natsReplicas }));
  const operator = lifecycle.add('operator', new OperatorToken({ log }, config.operatorTokenFile));
  const events =
    overrides.events ?? openEvents({ lifecycle, dialer, log, clock, operator }, { ...config, source, link });
  const surroundings = { config, overrides, host, clock, random, capacity, log, link, events };
  const { hub, network, store } = composeNetwork(surroundings);

  const agents = { timeouts, maxStreams: capacity.sessions * STREAMS_PER_SESSION };
  const calls = composeCalls({ ...surroundings, hub, network, operator }, agents);

  startConsole(events, log, source);
  const services = [
    { name: SERVICE_NAME, definition: TRACKER_DEFINITION, implementation: calls.implementation },
    ...(overrides.issuer ? [issuing(overrides.issuer, log)] : []),
  ];
  const budget = { limits: SERVICE_LIMITS, budgetPercent: config.addressBudget };
  const serving = { credentials, log, metrics, ...budget, notesReachedAt: true };
  const server = new GrpcServer({ listen: config.listen, services, ...serving });
  const health = new Health('tracker', natsCheck('tracker', link));
  monitor.observe(health, (metrics) => {
    measureTracker(metrics, { directory: hub.registry.directory, traffic: hub.traffic, store });
    measureEvents(metrics, 'tracker', { events, link });
    if (tls) measureCertificate(metrics, tls);
  });
  lifecycle.add('network', network);
  lifecycle.add('server', server);
  lifecycle.add('streams', openStreams('tracker', { server, log }, calls.streams));
  addHealth({ lifecycle, health, log }, [server], config);
  return {
    health,
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    get network() {
      return network.status;
    },
    get address() {
      return server.address;
    },
  };
}

function issuing(issuer: Issuer, log: Logger): ServedService {
  return certificateService(new HandlerFactory({ domain: 'enjambre.trust', log }), issuer);
}

interface CallSurroundings extends NetworkSurroundings {
  readonly hub: SessionHub;
  readonly network: Network;
  readonly operator: OperatorToken;
}

/** The tracker's calls, and those of them that stay open. */
function composeCalls(
  { config, overrides, host, log, clock, random, events, hub, network, operator }: CallSurroundings,
  limits: { readonly timeouts: ConnectTimeouts; readonly maxStreams: number },
): { implementation: TrackerServiceServer; streams: { stop(): void }[] } {
  const handlers = new HandlerFactory({ domain: 'enjambre.tracker', log });
  const rules = new EndpointRules(config.allowEndpoints, host);
  const servesOthers = !isLoopbackHost(config.listen.host);
  const trust = overrides.tls;
  const agents = new ConnectHandler({ hub, handlers, rules, servesOthers, trust, ...limits });
  const watchers = new EventWatchers(events, 'tracker');
  const trustWatchers = new TrustWatchers(trust);
  const implementation: TrackerServiceServer = {
    connect: (call) => agents.accept(call),
    ...lookupHandlers(handlers, hub.registry, { random, clock, network }),
    watchEvents: handlers.serverStream((request, { signal, metadata, caller }) => {
      const seesTexts = operator.isPresentedIn(metadata) || (caller && mayReadTexts(caller.identity));
      const view = permitted(seesTexts ? WHOLE : WITHOUT_TEXTS, caller?.identity);
      return watchers.watch(request, { signal, view });
    }),
    watchTrustNews: handlers.serverStream(async function* (_, { signal }) {
      for await (const news of trustWatchers.watch(signal)) yield { news };
    }),
  };
  return { implementation, streams: [agents, watchers, trustWatchers] };
}

interface NetworkSurroundings {
  readonly config: TrackerConfig;
  readonly overrides: TrackerOverrides;
  readonly host: TrackerHost;
  readonly clock: () => number;
  readonly random: () => number;
  readonly capacity: Capacity;
  readonly log: Logger;
  readonly link: NatsLink | undefined;
  readonly events: EventBus;
}

/** The sessions of this tracker and of the others, and their connection. */
function composeNetwork(around: NetworkSurroundings): {
  hub: SessionHub;
  network: Network;
  store: TrackerStore;
} {
  const { config, overrides, host, clock, random, capacity, log, link, events } = around;
  const { name, natsReplicas: replicas, catalogueMaxBytes: maxBytes } = config;
  const id = newReplicaId();
  const { tls } = overrides;
  const seal = tls && new ReplicaSeal(tls, { required: config.tlsMode === 'require' });
  const store =
    overrides.store?.(id) ??
    (link ? new NatsStore({ link, log, seal }, { id, host, replicas, maxBytes }) : new MemoryStore(id));
  const parts = networkParts(
    {
      clock: SYSTEM_CLOCK,
      store,
      log,
      maxRecords: capacity.swarms,
      maxPublications: capacity.publications,
      percent: config.addressBudget,
    },
    {
      onChange: () => network.flushSoon(),
      onKept: (record) => network.recorded(record.infohash, record),
      onPublished: (publication) => network.published(publication),
    },
  );
  const { journal: changes, catalogue, publicationKeeper } = parts;
  const { addressBudget } = config;
  const limits = { capacity, addressBudget };
  const registry = new SwarmRegistry({
    random,
    ...limits,
    startedAt: clock(),
    changes,
    catalogue,
    publicationKeeper,
  });
  const publisher = {
    publish: (event: TrackerEvent, party: string) => events.publish(fromEvent(event), party),
  };
  const hub = new SessionHub({ registry, events: publisher, clock, addressBudget });
  const carryOut = hub.apply.bind(hub);
  const network = new Network({ ...parts, registry, carryOut }, { id, name });
  return { hub, network, store };
}
