import { formatAddress, type Address } from '@enjambre/common/config/address';
import type { EventBus } from '@enjambre/common/events/event-bus';
import { openEmbeddedBus, openNatsBus } from '@enjambre/common/events/open-event-bus';
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

interface TrackerEventSettings {
  /** Who says so: "tracker/NAME". */
  readonly source: string;
  readonly eventMaxAge: number;
  readonly eventMaxBytes: number;
  readonly nats: string | undefined;
  readonly messaging: Address | undefined;
}

interface OpenedEvents {
  readonly events: EventBus;
  /** Absent without NATS. */
  readonly link?: NatsLink;
}

/** The bus on NATS if there is one, else one in this process that hears of messages from their service. */
export function openEvents(components: EventComponents, settings: TrackerEventSettings): OpenedEvents {
  const { source, nats, messaging, eventMaxAge: maxAgeMs, eventMaxBytes: maxBytes } = settings;
  const retention = { maxAgeMs, maxBytes };
  if (nats !== undefined) {
    const { lifecycle, log } = components;
    const link = lifecycle.add('nats', new NatsLink({ log }, { url: nats, name: source }));
    return { events: openNatsBus(components, { source, retention, link }), link };
  }
  const events = openEmbeddedBus(components, { source, retention });
  if (messaging) {
    const { lifecycle, log, clock } = components;
    const address = formatAddress(messaging);
    lifecycle.add('messages', new MessageFollower({ events, log, clock }, { address }));
  }
  return { events };
}
