import { DISTANCES, type Distance } from '@enjambre/core/locality';

/** Block bytes by the distance between the peers that exchanged them. */
export type BytesByDistance = Readonly<Record<Distance, number>>;

/** Bytes in both directions. */
export interface TrafficRecord {
  readonly received: BytesByDistance;
  readonly sent: BytesByDistance;
}

/** Zero in both directions. */
export const NO_TRAFFIC: TrafficRecord = { received: zeros(), sent: zeros() };

/**
 * Counts block bytes received and sent, by distance; the counters only grow. Discarded blocks count too: they crossed
 * the network all the same.
 */
export class TrafficByDistance {
  readonly #received: Record<Distance, number>;
  readonly #sent: Record<Distance, number>;

  /** @param before counters of earlier processes */
  constructor(before = NO_TRAFFIC) {
    this.#received = { ...before.received };
    this.#sent = { ...before.sent };
  }

  received(distance: Distance, bytes: number): void {
    this.#received[distance] += bytes;
  }

  sent(distance: Distance, bytes: number): void {
    this.#sent[distance] += bytes;
  }

  /** A copy of the current counters. */
  get record(): TrafficRecord {
    return { received: { ...this.#received }, sent: { ...this.#sent } };
  }
}

function zeros(): Record<Distance, number> {
  return Object.fromEntries(DISTANCES.map((distance) => [distance, 0])) as Record<Distance, number>;
}
