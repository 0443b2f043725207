import type { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { TrackerEvent } from './events.js';
import type { PeerInfo } from './peer.js';
import type { Session } from './swarm.js';

/** A member of a swarm, as others need it. */
export interface SwarmPeer {
  readonly peer: PeerInfo;
  readonly seeder: boolean;
}

/**
 * What a watcher is to change in its set of peers; no peer is in both lists. With
 * `snapshot` set, `upserted` is the whole set.
 */
export interface DeltaEffect {
  readonly type: 'delta';
  readonly to: Session;
  readonly infohash: InfoHash;
  readonly snapshot: boolean;
  readonly upserted: readonly SwarmPeer[];
  readonly removed: readonly PeerId[];
}

/** Part of what the session `to` just said was wrong or of no use; the rest was done. */
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
  readonly event: TrackerEvent;
}

/** What the world must do because of a command; to be carried out in order. */
export type Effect = DeltaEffect | ProblemEffect | CloseEffect | EventEffect;
