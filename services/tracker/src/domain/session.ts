import type { InfoHash } from '@enjambre/core/ids';
import { neighbourhoodsOf, placeOf } from '@enjambre/core/locality';
import type { PeerInfo } from './peer.js';
import type { Member } from './member.js';
import type { Watch } from './watch.js';

/** Which tracker holds a session, and which of a peer's sessions is the newest. */
export interface SessionOrigin {
  /** The tracker that holds the stream; empty for this one. */
  readonly replica: string;
  /** Grows with each session of a peer: about milliseconds since 1970. */
  readonly epoch: number;
}

/** A peer's presence, from its hello to the end of its stream, here or at another tracker of the network. */
export class Session {
  /** False once it is over; whatever it says then is ignored. */
  open = true;
  /** How many of its memberships are as seeder. */
  seeding = 0;
  readonly memberships = new Map<InfoHash, Member>();
  readonly watches = new Map<InfoHash, Watch>();
  readonly replica: string;
  readonly epoch: number;
  /** Where the peer stands, closest first: see {@link neighbourhoodsOf}. */
  readonly places: readonly string[];

  /** @param connectedAt milliseconds since 1970 */
  constructor(
    readonly peer: PeerInfo,
    readonly connectedAt: number,
    { replica = '', epoch = connectedAt }: Partial<SessionOrigin> = {},
  ) {
    this.replica = replica;
    this.epoch = epoch;
    this.places = neighbourhoodsOf(placeOf(peer.labels));
  }

  /** True if its stream ends here: what happens to it is then this tracker's to tell. */
  get isLocal(): boolean {
    return this.replica === '';
  }

  get leeching(): number {
    return this.memberships.size - this.seeding;
  }
}
