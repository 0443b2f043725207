import type { PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import { distanceBetween, placeOf, type Distance, type Place } from '@enjambre/core/locality';
import { TrafficByDistance } from '../../domain/traffic.js';

/** This agent's place in the topology, and the traffic by distance from it. */
export class Locality {
  /** Bytes of blocks received and sent since the agent started, over all transfers, by distance. */
  readonly traffic = new TrafficByDistance();
  readonly #place: Place;

  /** @param labels topology labels of this agent */
  constructor(
    readonly self: PeerId,
    labels: Labels = {},
  ) {
    this.#place = placeOf(labels);
  }

  /** Distance to a peer with these labels. */
  distanceTo(labels: Labels): Distance {
    return distanceBetween(this.#place, placeOf(labels));
  }
}
