import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';
import type { NatsLink } from '../nats/nats-link.js';
import type { NatsReplicas } from '../nats/replicas.js';
import { EmbeddedEventBus } from './embedded-event-bus.js';
import type { EventBus } from './event-bus.js';
import type { EventRetention } from './event-stream.js';
import { NatsEventBus } from './nats-event-bus.js';

interface EventComponents {
  /** Starts and stops what is opened. */
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface EventSettings {
  /** Who says so: "tracker/NAME" or "messaging/NAME". */
  readonly source: string;
  /** What is kept; on NATS, whoever leaves it out takes it as it is. */
  readonly retention?: EventRetention;
  /** On NATS, what is kept if the stream is not there yet and nothing else is said. */
  readonly initial?: EventRetention;
  /** How many nodes of NATS keep it. @default 'auto' */
  readonly replicas?: NatsReplicas;
}

/** The bus that all services on one NATS share, over a connection that is started before. */
export function openNatsBus(
  { lifecycle, log, clock }: EventComponents,
  { source, retention, initial, replicas, link }: EventSettings & { readonly link: NatsLink },
): EventBus {
  const init = {
    source,
    clock,
    ...(retention && { retention }),
    ...(initial && { initial }),
    ...(replicas && { replicas }),
  };
  return lifecycle.add('events', new NatsEventBus({ link, log }, init));
}

/** A bus in this process. */
export function openEmbeddedBus(
  { lifecycle, clock }: EventComponents,
  { source, retention }: EventSettings,
): EmbeddedEventBus {
  const init = { source, clock, ...(retention && { maxAgeMs: retention.maxAgeMs }) };
  return lifecycle.add('events', new EmbeddedEventBus(init));
}
