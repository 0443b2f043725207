import type { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { TrackerEvent } from './events.js';
import type { PeerInfo } from './peer.js';
import type { Session } from './swarm.js';

/** A member of a swarm, as sent to agents. */
export interface SwarmPeer {
  readonly peer: PeerInfo;
  readonly seeder: boolean;
}

/**
 * A change of a watcher's set of peers; no peer is in both lists. With `snapshot` set, `upserted` is the
 * whole set.
 */
export interface DeltaEffect {
  readonly type: 'delta';
  readonly to: Session;
  readonly infohash: InfoHash;
  readonly snapshot: boolean;
  readonly upserted: readonly SwarmPeer[];
  readonly removed: readonly PeerId[];
}

/** Part of the last message of the session `to` was wrong or useless; the rest was applied. */
interface ProblemEffect {
  readonly type: 'problem';
  readonly to: Session;
  readonly error: EnjambreError;
}

/** The session is over: its stream must end with `error`. */
interface CloseEffect {
  readonly type: 'close';
  readonly session: Session;
  readonly error: EnjambreError;
}

interface EventEffect {
  readonly type: 'event';
  /** Whose doing it is: see {@link Session.party}. */
  readonly party: string;
  readonly event: TrackerEvent;
}

/** Actions that follow from a command; apply them in order. */
export type Effect = DeltaEffect | ProblemEffect | CloseEffect | EventEffect;

export function eventOf({ party }: Session, event: TrackerEvent): Effect {
  return { type: 'event', party, event };
}
