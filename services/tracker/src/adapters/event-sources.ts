import { formatAddress, type Address } from '@enjambre/common/config/address';
import { EmbeddedEventBus } from '@enjambre/common/events/embedded-event-bus';
import type { EventBus } from '@enjambre/common/events/event-bus';
import { NatsEventBus } from '@enjambre/common/events/nats-event-bus';
import type { Lifecycle } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { NatsLink } from '@enjambre/common/nats/nats-link';
import { MessageFollower } from './message-follower.js';

interface EventComponents {
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

interface EventSettings {
  /** Who says so: "tracker/NAME". */
  readonly source: string;
  readonly nats: string | undefined;
  readonly messaging: Address | undefined;
  readonly eventMaxAge: number;
  readonly eventMaxBytes: number;
}

/** The bus on NATS if there is one, else one in this process that hears of messages from their service. */
export function openEvents({ lifecycle, log, clock }: EventComponents, settings: EventSettings): EventBus {
  const { source, nats, messaging, eventMaxAge: maxAgeMs, eventMaxBytes: maxBytes } = settings;
  if (nats !== undefined) {
    const link = lifecycle.add('nats', new NatsLink({ log }, { url: nats, name: source }));
    const retention = { maxAgeMs, maxBytes };
    return lifecycle.add('events', new NatsEventBus({ link, log }, { source, clock, retention }));
  }
  const events = lifecycle.add('events', new EmbeddedEventBus({ source, clock, maxAgeMs }));
  if (messaging) {
    const address = formatAddress(messaging);
    lifecycle.add('messages', new MessageFollower({ events, log, clock }, { address }));
  }
  return events;
}
