import type { Lifecycle } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';
import { NatsLink } from '../nats/nats-link.js';
import type { OptionTable } from '../config/options.js';
import { bytesSchema, durationSchema } from '../config/quantities.js';
import { EmbeddedEventBus } from './embedded-event-bus.js';
import type { EventBus } from './event-bus.js';
import { NatsEventBus } from './nats-event-bus.js';

/** The settings of every service that has events. */
export const eventOptions = {
  eventMaxAge: {
    placeholder: 'TIME',
    description: 'how long events are kept for replay, such as 90m or 7d',
    schema: durationSchema,
    default: '24h',
  },
  eventMaxBytes: {
    placeholder: 'SIZE',
    description: 'how much of them NATS keeps, such as 256MiB',
    schema: bytesSchema,
    default: '256MiB',
  },
} satisfies OptionTable;

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
  readonly eventMaxAge: number;
  readonly eventMaxBytes: number;
}

/** The bus that all services on one NATS share. */
export function openNatsBus(
  { lifecycle, log, clock }: EventComponents,
  { source, nats, eventMaxAge, eventMaxBytes }: EventSettings & { readonly nats: string },
): EventBus {
  const link = lifecycle.add('nats', new NatsLink({ log }, { url: nats, name: source }));
  const retention = { maxAgeMs: eventMaxAge, maxBytes: eventMaxBytes };
  return lifecycle.add('events', new NatsEventBus({ link, log }, { source, clock, retention }));
}

/** A bus in this process. */
export function openEmbeddedBus(
  { lifecycle, clock }: EventComponents,
  { source, eventMaxAge }: EventSettings,
): EmbeddedEventBus {
  return lifecycle.add('events', new EmbeddedEventBus({ source, clock, maxAgeMs: eventMaxAge }));
}
