import type { PeerState } from './peer-state.js';

/**
 * What kept a download from asking for more: the rate that it is allowed (`rate`), blocks that wait to be written
 * (`disk`), nobody to ask (`nobody`), no slot at any peer (`choked`), peers that hold their own choice back (`held-back`),
 * that no peer has what is wanted (`nothing-there`), or nothing but how fast they are (`peers`).
 */
export type Hindrance = 'rate' | 'disk' | 'nobody' | 'choked' | 'held-back' | 'nothing-there' | 'peers';

export interface EngineLoad {
  /** The rate let it ask for nothing at some time since the last look. */
  readonly rateWasFull: boolean;
  /** The bound on outstanding bytes did. */
  readonly budgetWasFull: boolean;
  /** Arrived, and not stored. */
  readonly storingBytes: number;
  /** Asked for, and wanted still. */
  readonly inFlightBytes: number;
  /** No piece is left that nobody was asked for. */
  readonly allAsked: boolean;
}

/** @param stalled no block came since the last look */
export function hindranceOf(peers: Iterable<PeerState>, load: EngineLoad, stalled: boolean): Hindrance {
  let known = 0;
  let choked = 0;
  let named = 0;
  for (const peer of peers) {
    known += 1;
    choked += peer.choked ? 1 : 0;
    named += peer.namedRequests;
  }
  const { inFlightBytes, storingBytes } = load;
  if (load.budgetWasFull && storingBytes >= inFlightBytes) return 'disk';
  if (storingBytes > 0 && inFlightBytes === 0 && (load.allAsked || known === 0)) return 'disk';
  if (known === 0) return 'nobody';
  if (load.rateWasFull) return 'rate';
  if (inFlightBytes === 0) return choked === known ? 'choked' : 'nothing-there';
  return stalled && named === 0 ? 'held-back' : 'peers';
}
