import { formatAddress, type Address } from '@enjambre/common/config/address';
import type { EventBus } from '@enjambre/common/events/event-bus';
import { openEmbeddedBus, openNatsBus, type EventSettings } from '@enjambre/common/events/open-event-bus';
import type { Lifecycle } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { MessageFollower } from './message-follower.js';

interface EventComponents {
  readonly lifecycle: Lifecycle;
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

interface TrackerEventSettings extends EventSettings {
  readonly nats: string | undefined;
  readonly messaging: Address | undefined;
}

/** The bus on NATS if there is one, else one in this process that hears of messages from their service. */
export function openEvents(components: EventComponents, settings: TrackerEventSettings): EventBus {
  const { nats, messaging } = settings;
  if (nats !== undefined) return openNatsBus(components, { ...settings, nats });
  const events = openEmbeddedBus(components, settings);
  if (messaging) {
    const { lifecycle, log, clock } = components;
    const address = formatAddress(messaging);
    lifecycle.add('messages', new MessageFollower({ events, log, clock }, { address }));
  }
  return events;
}
