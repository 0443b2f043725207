import type { PeerState } from './peer-state.js';

/**
 * What kept a download from asking for more: the rate that it is allowed (`rate`), blocks that wait to be written
 * (`disk`), nobody to ask (`nobody`), no slot at any peer (`choked`), peers that hold their own choice back (`held-back`),
 * that no peer has what is wanted (`nothing-there`), or nothing but how fast they are (`peers`).
 */
export type Bottleneck = 'rate' | 'disk' | 'nobody' | 'choked' | 'held-back' | 'nothing-there' | 'peers';

/** How a download stands. */
export interface EngineLoad {
  /** Arrived, and not stored. */
  readonly storingBytes: number;
  /** Asked for, and wanted still. */
  readonly inFlightBytes: number;
  /** No piece is left that nobody was asked for. */
  readonly allAsked: boolean;
  /** No block came since the last look. */
  readonly stalled: boolean;
}

/** Notes what kept a download from asking, from one look to the next. */
export class BottleneckGauge {
  #rate = false;
  #budget = false;

  /** The rate let it ask for nothing more. */
  rateIsFull(): void {
    this.#rate = true;
  }

  /** The bound on outstanding bytes did. */
  budgetIsFull(): void {
    this.#budget = true;
  }

  /** What it was since the last time. */
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
