import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';
import type { NatsLink } from '../nats/nats-link.js';
import type { NatsReplicas } from '../nats/replicas.js';
import { EmbeddedEventBus } from './embedded-event-bus.js';
import type { EventBus } from './event-bus.js';
import type { EventRetention } from './event-stream.js';
import { NatsEventBus } from './nats-event-bus.js';

interface EventComponents {
  /** Starts and stops the bus. */
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface EventSettings {
  /** Source of the events: "tracker/NAME" or "messaging/NAME". */
  readonly source: string;
  /** Retention; on NATS, without it an existing stream stays unchanged. */
  readonly retention?: EventRetention;
  /** On NATS, retention of a new stream if `retention` is absent. */
  readonly initial?: EventRetention;
  /** Number of NATS nodes that store the stream. @default 'auto' */
  readonly replicas?: NatsReplicas;
}

/** Opens the bus shared by all services on one NATS, over a connection that is started before it. */
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

/** Opens a bus in this process. */
export function openEmbeddedBus(
  { lifecycle, clock }: EventComponents,
  { source, retention }: EventSettings,
): EmbeddedEventBus {
  const init = { source, clock, ...(retention && { maxAgeMs: retention.maxAgeMs }) };
  return lifecycle.add('events', new EmbeddedEventBus(init));
}
