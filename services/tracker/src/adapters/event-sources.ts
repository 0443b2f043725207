import { formatAddress, type Address } from '@enjambre/common/config/address';
import type { EventBus } from '@enjambre/common/events/event-bus';
import { openEmbeddedBus, openNatsBus } from '@enjambre/common/events/open-event-bus';
import type { Lifecycle } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import type { NatsReplicas } from '@enjambre/common/nats/replicas';
import type { NatsLink } from '@enjambre/common/nats/nats-link';
import type { Dialer } from '@enjambre/rpc/dialer';
import { MessageFollower, type FollowerComponents } from './message-follower.js';

interface EventComponents {
  readonly lifecycle: Lifecycle;
  readonly dialer: Dialer;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Presented to the messaging service that is followed, for the texts of its messages. */
  readonly operator: FollowerComponents['operator'];
}

interface TrackerEventSettings {
  /** Source of the events: "tracker/NAME". */
  readonly source: string;
  readonly eventMaxAge: number;
  readonly eventMaxBytes: number;
  readonly natsReplicas: NatsReplicas;
  /** Started before the bus. */
  readonly link: NatsLink | undefined;
  readonly messaging: Address | undefined;
}

/** Opens the bus on NATS if configured, otherwise one in this process that follows the messaging service. */
export function openEvents(components: EventComponents, settings: TrackerEventSettings): EventBus {
  const {
    source,
    link,
    messaging,
    natsReplicas: replicas,
    eventMaxAge: maxAgeMs,
    eventMaxBytes: maxBytes,
  } = settings;
  const retention = { maxAgeMs, maxBytes };
  if (link) return openNatsBus(components, { source, retention, replicas, link });
  const events = openEmbeddedBus(components, { source, retention });
  if (messaging) {
    const { lifecycle, ...parts } = components;
    const address = formatAddress(messaging);
    lifecycle.add('messages', new MessageFollower({ ...parts, events }, { address }));
  }
  return events;
}
