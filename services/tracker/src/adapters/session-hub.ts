import type { EnjambreError } from '@enjambre/core/error';
import type { DeltaEffect, Effect } from '../domain/effects.js';
import type { TrackerEvent } from '../domain/events.js';
import { EventQuota } from '../domain/event-quota.js';
import { MessagePace } from '../domain/message-pace.js';
import type { PeerInfo } from '../domain/peer.js';
import type { Session, SessionHolder } from '../domain/swarm.js';
import type { SwarmRegistry } from '../domain/swarm-registry.js';
import { TrafficCounts } from './metrics.js';

/** The stream of a session, for applying effects. */
export interface SessionStream {
  change(delta: DeltaEffect): void;
  /** Reports an error in the message being handled. */
  reject(error: EnjambreError): void;
  close(error: EnjambreError, reason: string): void;
}

interface EventPublisher {
  /** @param party whose doing it is */
  publish(event: TrackerEvent, party: string): void;
}

interface Opening extends Pick<SessionHolder, 'trackerAt' | 'party'> {
  readonly epoch: number | undefined;
}

interface HubOptions {
  readonly registry: SwarmRegistry;
  readonly events: EventPublisher;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** What one party may use of each rate, in percent. */
  readonly addressBudget: number;
}

/** Delay after which the number of events left out is published. */
const SUMMARY_MS = 10_000;

/** Applies the registry's effects: on the streams of its sessions and on the event bus. */
export class SessionHub {
  readonly registry: SwarmRegistry;
  readonly clock: () => number;
  readonly traffic = new TrafficCounts();
  readonly pace: MessagePace;
  readonly #quota: EventQuota;
  #summary: NodeJS.Timeout | undefined;
  readonly #events: EventPublisher;
  readonly #streams = new Map<Session, SessionStream>();

  constructor({ registry, events, clock, addressBudget }: HubOptions) {
    this.registry = registry;
    this.clock = clock;
    this.pace = new MessagePace(addressBudget);
    this.#quota = new EventQuota(addressBudget);
    this.#events = events;
  }

  /**
   * Throws `exhausted` TOO_MANY_PEERS.
   *
   * @param opening the agent's epoch, if it sent one
   */
  open(peer: PeerInfo, stream: SessionStream, { epoch, ...place }: Opening): Session {
    const now = this.clock();
    const { session, effects } = this.registry.connect(peer, now, { epoch: epoch ?? now, ...place });
    this.#streams.set(session, stream);
    this.apply(effects);
    return session;
  }

  /** Ends a session whose stream has ended. */
  end(session: Session, reason: string): void {
    this.#streams.delete(session);
    this.apply(this.registry.disconnect(session, reason, this.clock()));
  }

  apply(effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'delta':
          this.traffic.delta(effect);
          this.#streams.get(effect.to)?.change(effect);
          break;
        case 'problem':
          this.traffic.rejected += 1;
          this.#streams.get(effect.to)?.reject(effect.error);
          break;
        case 'close':
          this.#streams.get(effect.session)?.close(effect.error, effect.error.reason);
          break;
        case 'event':
          this.#publish(effect.event, effect.party);
          break;
      }
    }
  }

  /** Publishes the number of events that were left out until now. */
  summarise(): void {
    clearTimeout(this.#summary);
    this.#summary = undefined;
    for (const { party, event } of this.#quota.summaries(this.clock())) this.#events.publish(event, party);
  }

  #publish(event: TrackerEvent, party: string): void {
    if (this.#quota.admit(party, event, this.clock())) return this.#events.publish(event, party);
    this.traffic.eventsLeftOut += 1;
    this.#summary ??= setTimeout(() => this.summarise(), SUMMARY_MS);
  }
}
