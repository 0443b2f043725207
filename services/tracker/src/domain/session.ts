import type { InfoHash } from '@enjambre/core/ids';
import { neighbourhoodsOf, placeOf } from '@enjambre/core/locality';
import type { PeerInfo } from './peer.js';
import type { Member } from './member.js';
import type { Watch } from './watch.js';

/** A peer's presence, from its hello to the end of its stream. */
export class Session {
  /** False once it is over; whatever it says then is ignored. */
  open = true;
  /** How many of its memberships are as seeder. */
  seeding = 0;
  readonly memberships = new Map<InfoHash, Member>();
  readonly watches = new Map<InfoHash, Watch>();
  /** Where the peer stands, closest first: see {@link neighbourhoodsOf}. */
  readonly places: readonly string[];

  /** @param connectedAt milliseconds since 1970 */
  constructor(
    readonly peer: PeerInfo,
    readonly connectedAt: number,
  ) {
    this.places = neighbourhoodsOf(placeOf(peer.labels));
  }

  get leeching(): number {
    return this.memberships.size - this.seeding;
  }
}
