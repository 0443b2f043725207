import { EnjambreError } from '@enjambre/core/error';

/** Limits of the tracker, in all and for one peer. */
export interface Capacity {
  /** Connected peers. */
  readonly sessions: number;
  /** Swarms in total. */
  readonly swarms: number;
  /** Swarms that one peer may be a member of. */
  readonly membershipsPerSession: number;
  /** Swarms that one peer may watch. */
  readonly watchesPerSession: number;
}

export const DEFAULT_CAPACITY: Capacity = {
  sessions: 50_000,
  swarms: 1_000_000,
  membershipsPerSession: 100_000,
  watchesPerSession: 10_000,
};

/** Throws `exhausted` with `reason` if `count` has reached `limit`. */
export function checkRoom(count: number, limit: number, reason: string, what: string): void {
  if (count < limit) return;
  throw new EnjambreError('exhausted', reason, `there are already ${count} ${what}, which is the limit`);
}
