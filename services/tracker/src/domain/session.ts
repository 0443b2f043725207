import type { InfoHash } from '@enjambre/core/ids';
import { neighbourhoodsOf, placeOf } from '@enjambre/core/locality';
import type { PeerInfo } from './peer.js';
import type { Member } from './member.js';
import { groupOf, groupsReachedFrom, type ReachGroup, type Standpoint } from './reach-group.js';
import type { Watch } from './watch.js';

/** Which tracker holds a session, and which of a peer's sessions is the newest. */
export interface SessionOrigin {
  /** The tracker that holds the stream; empty for this one. */
  readonly replica: string;
  /** Grows with each session of a peer: about milliseconds since 1970. */
  readonly epoch: number;
  /** How the peer reaches the host of this tracker. */
  readonly trackerAt: Standpoint['trackerAt'];
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
  /** Who reaches it. */
  readonly group: ReachGroup;
  /** Whom it reaches. */
  readonly reaches: readonly ReachGroup[];

  /** @param connectedAt milliseconds since 1970 */
  constructor(
    readonly peer: PeerInfo,
    readonly connectedAt: number,
    { replica = '', epoch = connectedAt, trackerAt }: Partial<SessionOrigin> = {},
  ) {
    this.replica = replica;
    this.epoch = epoch;
    this.places = neighbourhoodsOf(placeOf(peer.labels));
    this.group = groupOf(peer.reach);
    this.reaches = groupsReachedFrom({ host: peer.reach.host, trackerAt });
  }

  /** True if its stream ends here: what happens to it is then this tracker's to tell. */
  get isLocal(): boolean {
    return this.replica === '';
  }

  /** True if it can reach the other from where it is. */
  canReach({ group }: Session): boolean {
    return this.reaches.includes(group);
  }

  get leeching(): number {
    return this.memberships.size - this.seeding;
  }
}
