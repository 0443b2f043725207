import type { PeerState } from './peer-state.js';

/**
 * What keeps a download from requesting more: its rate limit (`rate`), blocks waiting to be written (`disk`), no peers
 * (`nobody`), no slot at any peer (`choked`), super-seeders that hold blocks back (`held-back`), no peer with a wanted
 * piece (`nothing-there`), or only the speed of the peers (`peers`).
 */
export type Bottleneck = 'rate' | 'disk' | 'nobody' | 'choked' | 'held-back' | 'nothing-there' | 'peers';

/** Current load of a download. */
export interface EngineLoad {
  /** Arrived and not stored. */
  readonly storingBytes: number;
  /** Requested and still wanted. */
  readonly inFlightBytes: number;
  /** Every piece has been requested. */
  readonly allAsked: boolean;
  /** No block arrived since the last call. */
  readonly stalled: boolean;
}

/** Records what keeps a download from requesting, between two calls of {@link take}. */
export class BottleneckGauge {
  #rate = false;
  #budget = false;

  /** The rate limit allowed no further request. */
  rateIsFull(): void {
    this.#rate = true;
  }

  /** The bound on outstanding bytes allowed no further request. */
  budgetIsFull(): void {
    this.#budget = true;
  }

  /** The bottleneck since the last call. */
  take(peers: Iterable<PeerState>, load: EngineLoad): Bottleneck {
    const [rate, budget] = [this.#rate, this.#budget];
    this.#rate = this.#budget = false;
    const { storingBytes, inFlightBytes } = load;
    const { known, choked, named } = census(peers);
    if (budget && storingBytes >= inFlightBytes) return 'disk';
    if (storingBytes > 0 && inFlightBytes === 0 && (load.allAsked || known === 0)) return 'disk';
    if (known === 0) return 'nobody';
    if (rate) return 'rate';
    if (inFlightBytes === 0) return choked === known ? 'choked' : 'nothing-there';
    return load.stalled && named === 0 ? 'held-back' : 'peers';
  }
}

function census(peers: Iterable<PeerState>): { known: number; choked: number; named: number } {
  const counts = { known: 0, choked: 0, named: 0 };
  for (const peer of peers) {
    counts.known += 1;
    counts.choked += peer.isChoked ? 1 : 0;
    counts.named += peer.namedRequests;
  }
  return counts;
}
