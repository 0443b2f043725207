import type { EnjambreError } from '@enjambre/core/error';
import type { DeltaEffect, Effect } from '../domain/effects.js';
import type { TrackerEvent } from '../domain/events.js';
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
  publish(event: TrackerEvent): void;
}

interface Opening extends Pick<SessionHolder, 'trackerAt' | 'party'> {
  readonly epoch: number | undefined;
}

interface HubOptions {
  readonly registry: SwarmRegistry;
  readonly events: EventPublisher;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

/** Applies the registry's effects: on the streams of its sessions and on the event bus. */
export class SessionHub {
  readonly registry: SwarmRegistry;
  readonly clock: () => number;
  readonly traffic = new TrafficCounts();
  readonly #events: EventPublisher;
  readonly #streams = new Map<Session, SessionStream>();

  constructor({ registry, events, clock }: HubOptions) {
    this.registry = registry;
    this.clock = clock;
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
    this.apply(this.registry.disconnect(session, reason));
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
          this.#events.publish(effect.event);
          break;
      }
    }
  }
}
