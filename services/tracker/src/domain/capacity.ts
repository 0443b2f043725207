import { quotaOf } from '@enjambre/core/address-quota';
import { EnjambreError } from '@enjambre/core/error';

/** What sessions use, and of which one party may use only a part. */
export interface Resources {
  /** Connected peers. */
  readonly sessions: number;
  /** Swarms: infohashes that a peer has, wants or watches. */
  readonly swarms: number;
  /** Memberships of peers in swarms; one takes about 250 bytes. */
  readonly memberships: number;
  /** Peers that all watches together may know: a watch counts as many as it asked for. One takes about 100 bytes. */
  readonly places: number;
}

/** Limits of the tracker, in all and for one peer. */
export interface Capacity extends Resources {
  /** Swarms that one peer may be a member of. */
  readonly membershipsPerSession: number;
  /** Swarms that one peer may watch. */
  readonly watchesPerSession: number;
  /** Names with the versions of one publisher, which are remembered while it is away; one takes about 1 kB. */
  readonly publications: number;
}

export const DEFAULT_CAPACITY: Capacity = {
  sessions: 50_000,
  swarms: 1_000_000,
  memberships: 5_000_000,
  places: 10_000_000,
  membershipsPerSession: 100_000,
  watchesPerSession: 10_000,
  publications: 200_000,
};

/** The part of each resource that the peers of one party may use together. */
export function quotasOf(capacity: Resources, percent: number): Resources {
  return {
    sessions: quotaOf(capacity.sessions, percent, 1),
    swarms: quotaOf(capacity.swarms, percent, 1),
    memberships: quotaOf(capacity.memberships, percent, 1),
    places: quotaOf(capacity.places, percent, 1),
  };
}

/** Throws `exhausted` with `reason` if `count` has reached `limit`. */
export function checkRoom(count: number, limit: number, reason: string, what: string): void {
  if (count < limit) return;
  throw new EnjambreError('exhausted', reason, `there are already ${count} ${what}, which is the limit`);
}
