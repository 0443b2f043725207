import { DISTANCES, type Distance } from '@enjambre/core/locality';

/** Bytes of blocks by how far those who exchanged them are apart. */
export type BytesByDistance = Readonly<Record<Distance, number>>;

/** Bytes in both directions. */
export interface TrafficRecord {
  readonly received: BytesByDistance;
  readonly sent: BytesByDistance;
}

/** Nothing yet. */
export const NO_TRAFFIC: TrafficRecord = { received: zeros(), sent: zeros() };

/**
 * Counts the bytes of blocks that were received and sent, by distance; they only ever grow. Blocks that came in vain are
 * among them: they crossed the network all the same.
 */
export class TrafficByDistance {
  readonly #received: Record<Distance, number>;
  readonly #sent: Record<Distance, number>;

  /** @param before what was counted in earlier processes */
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

  /** As it stands; a copy. */
  get record(): TrafficRecord {
    return { received: { ...this.#received }, sent: { ...this.#sent } };
  }
}

function zeros(): Record<Distance, number> {
  return Object.fromEntries(DISTANCES.map((distance) => [distance, 0])) as Record<Distance, number>;
}
