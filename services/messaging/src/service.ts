import { formatAddress, type Address } from '@enjambre/common/config/address';
import type { EventBus } from '@enjambre/common/events/event-bus';
import { startConsole } from '@enjambre/common/events/event-console';
import { EventWatchers } from '@enjambre/common/events/event-watchers';
import { DEFAULT_RETENTION } from '@enjambre/common/events/event-stream';
import { openEmbeddedBus, openNatsBus } from '@enjambre/common/events/open-event-bus';
import { HandlerFactory } from '@enjambre/rpc/handlers';
import { Dialer } from '@enjambre/rpc/dialer';
import { TrustWatch } from '@enjambre/rpc/membership/trust-watch';
import { addHealth } from '@enjambre/rpc/health-server';
import { openStreams } from '@enjambre/rpc/open-streams';
import { SERVICE_LIMITS, type ServerLimits } from '@enjambre/rpc/gate/limits';
import { GrpcServer } from '@enjambre/rpc/server';
import { credentialsFrom } from '@enjambre/rpc/tls-credentials';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { metricsTlsOf } from '@enjambre/common/config/tls-options';
import { TlsWatch } from '@enjambre/common/trust/tls-watch';
import { Health, type HealthCheck } from '@enjambre/common/health/health';
import { natsCheck } from '@enjambre/common/health/nats-check';
import { Lifecycle, type Startable } from '@enjambre/common/lifecycle/lifecycle';
import { createLogger, type Logger } from '@enjambre/common/log/logger';
import { measureCertificate } from '@enjambre/common/metrics/certificate-metrics';
import { measureEvents } from '@enjambre/common/metrics/event-metrics';
import { OperatorToken } from '@enjambre/common/identity/operator-token';
import type { Metrics } from '@enjambre/common/metrics/metrics';
import { Monitor } from '@enjambre/common/metrics/monitor';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import type { MessagingServiceServer } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { fromEvent } from './adapters/convert-events.js';
import { eventHandler } from './adapters/event-views.js';
import { JetStreamStore } from './adapters/jetstream/jetstream-store.js';
import { MemoryStore } from './adapters/memory/memory-store.js';
import { measureMessaging } from './adapters/metrics.js';
import { Upkeep } from './adapters/upkeep.js';
import { ReceiveHandler } from './adapters/receive-handler.js';
import type { ReceiveTimeouts } from './adapters/receive-session.js';
import { MESSAGING_DEFINITION } from './adapters/service-definition.js';
import { SessionRegistry } from './adapters/session-registry.js';
import { unaryHandlers } from './adapters/unary-handlers.js';
import type { MessageStore } from './app/ports.js';
import { MessageExchange } from './app/message-exchange.js';
import type { MessagingConfig } from './config.js';
import type { DomainEvent } from './domain/events.js';
import { DEFAULT_CAPACITY, type Capacity } from './domain/capacity.js';
import { partyQuotas } from './domain/party-quotas.js';

/** Replacements for tests. */
export interface MessagingOverrides {
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
  readonly log?: Logger;
  readonly capacity?: Partial<Capacity>;
  readonly timeouts?: Partial<ReceiveTimeouts>;
  readonly store?: MessageStore;
  /** Interval of the removal of expired data, in milliseconds. @default 60000 */
  readonly upkeepMs?: number;
  /** Metrics to register with; the page is at `--metrics`. @default none */
  readonly metrics?: Metrics;
  /** The certificate for mutual TLS. @default none: plaintext */
  readonly tls?: ProgramTls | undefined;
}

export interface Messaging extends Startable {
  /** Its address; known once it has started. */
  readonly address: Address;
  /** Its health. */
  readonly health: Health;
}

/** Leaves room for streams before their hello and for sessions about to be replaced. */
const STREAMS_PER_SESSION = 2;
/** What its clients may use; room for sessions about to be replaced. */
const LIMITS: ServerLimits = { ...SERVICE_LIMITS, connections: 15_000, streams: 30_000 };
const SERVICE_NAME = 'enjambre.messaging.v1.MessagingService';
const DEFAULT_TIMEOUTS: ReceiveTimeouts = { helloMs: 10_000, slowReaderMs: 30_000 };
/** Calls of all senders together, and copies to rooms and everyone, by the rate of one sender. */
const CALLS_PER_RATE = 100;
const COPIES_PER_RATE = 50;
/** Limit of messages in memory: bounds the overhead of entries as well. */
const MAX_MESSAGES_IN_MEMORY = 200_000;

/** Creates a messaging service that stores messages in JetStream, or in memory if no NATS is configured. */
export function createMessaging(config: MessagingConfig, overrides: MessagingOverrides = {}): Messaging {
  const { clock = Date.now, metrics, tls } = overrides;
  const log =
    overrides.log ?? createLogger({ name: 'messaging', level: config.logLevel, format: config.logFormat });
  const capacity = { ...capacityOf(config), ...overrides.capacity };
  const timeouts = { ...DEFAULT_TIMEOUTS, ...overrides.timeouts };

  const lifecycle = new Lifecycle(log);
  if (tls) addTrust(lifecycle, tls, { config, log });
  const source = `messaging/${config.name}`;
  const watched = { log, metrics, tls: metricsTlsOf(tls, config) };
  const monitor = lifecycle.add('monitor', new Monitor(watched, config.metrics));
  const { nats: url } = config;
  const link = url === undefined ? undefined : new NatsLink({ log }, { url, files: config, name: source });
  if (link) lifecycle.add('nats', link);
  const events = openEvents({ lifecycle, log, clock }, config, { source, link });
  const store = overrides.store ?? createStore(config, { clock, log, link });
  const publisher = { publish: (event: DomainEvent) => events.publish(fromEvent(event)) };
  const quotas = partyQuotas(capacity, config.addressBudget);
  const exchange = new MessageExchange({ store, events: publisher, capacity, quotas, clock });
  const sessions = new SessionRegistry(capacity.sessions, quotas.sessions);

  const handlers = new HandlerFactory({ domain: 'enjambre.messaging', log });
  const receivers = new ReceiveHandler(
    { exchange, sessions, handlers, timeouts, window: capacity },
    capacity.sessions * STREAMS_PER_SESSION,
    quotas.sessions * STREAMS_PER_SESSION,
  );
  const operator = lifecycle.add('operator', new OperatorToken({ log }, config.operatorTokenFile));
  const watchers = new EventWatchers(events, 'messaging service');
  const implementation: MessagingServiceServer = {
    receive: (call) => receivers.accept(call),
    ...unaryHandlers(handlers, sessions, exchange),
    watchEvents: eventHandler({ handlers, watchers, operator, sessions, exchange }),
  };

  const { upkeepMs } = overrides;
  const pruning = upkeepMs === undefined ? {} : { pruneEveryMs: upkeepMs };
  startConsole(events, log, source);
  const services = [{ name: SERVICE_NAME, definition: MESSAGING_DEFINITION, implementation }];
  const budget = { limits: LIMITS, budgetPercent: config.addressBudget };
  const serving = { credentials: credentialsFrom(tls, config), log, metrics, ...budget };
  const server = new GrpcServer({ listen: config.listen, services, ...serving });
  const health = new Health('messaging', [storeCheck(store), ...natsCheck('messaging', link)]);
  monitor.observe(health, (metrics) => {
    measureMessaging(metrics, { store, counts: exchange.counts, sessions });
    measureEvents(metrics, 'messaging', { events, link });
    if (tls) measureCertificate(metrics, tls);
  });
  lifecycle.add('store', store);
  lifecycle.add('server', server);
  lifecycle.add('upkeep', new Upkeep({ exchange, sessions, log, ...pruning }));
  lifecycle.add('streams', openStreams('messaging', { server, log }, [receivers, watchers]));
  addHealth({ lifecycle, health, log }, [server], config);
  return {
    health,
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    get address() {
      return server.address;
    },
  };
}

/** Keeps the certificate, and what is known of the CAs, up to date. */
function addTrust(
  lifecycle: Lifecycle,
  tls: ProgramTls,
  { config, log }: { readonly config: MessagingConfig; readonly log: Logger },
): void {
  lifecycle.add('certificate', new TlsWatch({ log }, tls, config));
  const { tracker: trackers } = config;
  if (!trackers) return;
  const dialer = new Dialer({ credentials: credentialsFrom(tls, config) });
  lifecycle.add('trust', new TrustWatch({ dialer, trust: tls, log }, trackers.map(formatAddress)));
}

/** Not ready while messages cannot be stored. */
function storeCheck(store: MessageStore): HealthCheck {
  const problem = (): string | undefined =>
    store.available ? undefined : 'messages cannot be stored: NATS, or its JetStream, is unreachable';
  return { name: 'enjambre.messaging.store', essential: true, problem };
}

/** Opens the bus on NATS, whose stream a tracker may reconfigure; or one in this process. */
function openEvents(
  components: Parameters<typeof openNatsBus>[0],
  { eventMaxBytes: maxBytes, natsReplicas: replicas }: MessagingConfig,
  { source, link }: { source: string; link: NatsLink | undefined },
): EventBus {
  if (!link) return openEmbeddedBus(components, { source });
  return openNatsBus(components, { source, initial: { ...DEFAULT_RETENTION, maxBytes }, replicas, link });
}

function createStore(
  { messageMaxAge: maxAgeMs, messageMaxBytes: maxBytes, duplicateWindow, natsReplicas }: MessagingConfig,
  { clock, log, link }: { clock: () => number; log: Logger; link: NatsLink | undefined },
): MessageStore {
  if (!link) return new MemoryStore({ maxAgeMs, maxBytes, maxMessages: MAX_MESSAGES_IN_MEMORY, clock });
  const kept = { maxAgeMs, maxBytes, duplicateWindowMs: duplicateWindow, replicas: natsReplicas };
  return new JetStreamStore({ log, link }, kept);
}

function capacityOf(config: MessagingConfig): Capacity {
  const { messageRate, messageMaxAge, messageMaxBytes, maxPending, eventPreview } = config;
  return {
    ...DEFAULT_CAPACITY,
    messagesPerSecond: messageRate,
    callsPerSecond: CALLS_PER_RATE * messageRate,
    copiesPerSecond: COPIES_PER_RATE * messageRate,
    storeBytes: messageMaxBytes,
    messageBurst: 2 * messageRate,
    previewChars: eventPreview,
    peerRetentionMs: messageMaxAge,
    pendingMessages: maxPending,
  };
}
