import type { Bottleneck } from '../download/bottleneck.js';
import type { Cause } from './causes.js';

const CAUSE_OF: Readonly<Record<Exclude<Bottleneck, 'nobody'>, Cause>> = {
  rate: 'own-limit',
  disk: 'disk',
  choked: 'uploaders',
  'held-back': 'uploaders',
  'nothing-there': 'no-source',
  peers: 'sources',
};

/** The cause that the time of a running download is accounted to. */
export function causeOf(
  bottleneck: Bottleneck,
  { known, trackerAway }: { readonly known: number; readonly trackerAway: boolean },
): Cause {
  if (bottleneck !== 'nobody') return CAUSE_OF[bottleneck];
  return known === 0 && trackerAway ? 'tracker' : 'no-source';
}
