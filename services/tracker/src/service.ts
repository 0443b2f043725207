import { formatAddress, type Address } from '@enjambre/common/config/address';
import type { EventBus } from '@enjambre/common/events/event-bus';
import { startConsole } from '@enjambre/common/events/event-console';
import { EventWatchers } from '@enjambre/common/events/event-watchers';
import { HandlerFactory } from '@enjambre/common/grpc/handlers';
import { GrpcServer } from '@enjambre/common/grpc/server';
import { Lifecycle, type Startable } from '@enjambre/common/lifecycle/lifecycle';
import { createLogger, type Logger } from '@enjambre/common/log/logger';
import type { TrackerServiceServer } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { ConnectHandler } from './adapters/connect-handler.js';
import type { ConnectTimeouts } from './adapters/connect-session.js';
import { fromEvent } from './adapters/convert-events.js';
import { openEvents } from './adapters/event-sources.js';
import { lookupHandlers } from './adapters/lookup-handlers.js';
import { TRACKER_DEFINITION } from './adapters/service-definition.js';
import { SessionHub } from './adapters/session-hub.js';
import type { TrackerConfig } from './config.js';
import { DEFAULT_LIMITS, type Limits } from './domain/limits.js';
import { SwarmRegistry } from './domain/swarm-registry.js';

/** What tests put in place of the real thing. */
export interface TrackerOverrides {
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
  /** Uniform in [0, 1). @default Math.random */
  readonly random?: () => number;
  readonly log?: Logger;
  readonly limits?: Partial<Limits>;
  readonly timeouts?: Partial<ConnectTimeouts>;
  /** Started and stopped by who gives it. */
  readonly events?: EventBus;
}

export interface Tracker extends Startable {
  /** Where it listens; known once it has started. */
  readonly address: Address;
}

/** Leaves room for streams that are not greeted yet and for sessions about to be replaced. */
const STREAMS_PER_SESSION = 2;
const SERVICE_NAME = 'enjambre.tracker.v1.TrackerService';
const DEFAULT_TIMEOUTS: ConnectTimeouts = { helloMs: 10_000, slowReaderMs: 30_000 };

/** Builds a tracker that keeps everything in memory. */
export function createTracker(config: TrackerConfig, overrides: TrackerOverrides = {}): Tracker {
  const { clock = Date.now, random = Math.random } = overrides;
  const log =
    overrides.log ?? createLogger({ name: 'tracker', level: config.logLevel, format: config.logFormat });
  const limits = { ...DEFAULT_LIMITS, ...overrides.limits };
  const timeouts = { ...DEFAULT_TIMEOUTS, ...overrides.timeouts };

  const lifecycle = new Lifecycle(log);
  const source = `tracker/${config.name}`;
  const events = overrides.events ?? openEvents({ lifecycle, log, clock }, { ...config, source });
  const registry = new SwarmRegistry({ random, limits, startedAt: clock() });
  const hub = new SessionHub({
    registry,
    events: { publish: (event) => events.publish(fromEvent(event)) },
    clock,
  });

  const handlers = new HandlerFactory({ domain: 'enjambre.tracker', log });
  const agents = new ConnectHandler({
    hub,
    handlers,
    timeouts,
    maxStreams: limits.sessions * STREAMS_PER_SESSION,
  });
  const watchers = new EventWatchers(events, 'tracker');
  const implementation: TrackerServiceServer = {
    connect: (call) => agents.accept(call),
    ...lookupHandlers(handlers, registry.directory, { random, clock }),
    watchEvents: handlers.serverStream((request, context) => watchers.watch(request, context)),
  };

  startConsole(events, log, source);
  const services = [{ name: SERVICE_NAME, definition: TRACKER_DEFINITION, implementation }];
  const server = new GrpcServer({ listen: config.listen, services, log });
  lifecycle.add('server', server);
  lifecycle.add('streams', {
    start: () => {
      const address = formatAddress(server.address);
      log.info({ address }, `tracker listening on ${address}`);
      return Promise.resolve();
    },
    stop: () => {
      server.setServing(false);
      agents.stop();
      watchers.stop();
      return Promise.resolve();
    },
  });
  return {
    start: () => lifecycle.start(),
    stop: () => lifecycle.stop(),
    get address() {
      return server.address;
    },
  };
}
