import type { PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import { distanceBetween, placeOf, type Distance, type Place } from '@enjambre/core/locality';
import { TrafficByDistance } from '../../domain/traffic.js';

/** Where this agent stands, and how much it has exchanged with whom from there. */
export class Locality {
  /** All transfers together, since the agent started: bytes of blocks received and sent, by distance. */
  readonly traffic = new TrafficByDistance();
  readonly #place: Place;

  /** @param labels this agent's own */
  constructor(
    readonly self: PeerId,
    labels: Labels = {},
  ) {
    this.#place = placeOf(labels);
  }

  /** How far somebody with such labels is. */
  distanceTo(labels: Labels): Distance {
    return distanceBetween(this.#place, placeOf(labels));
  }
}
