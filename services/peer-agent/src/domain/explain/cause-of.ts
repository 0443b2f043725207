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

/** What the time of a download that runs goes to. */
export function causeOf(
  bottleneck: Bottleneck,
  { known, trackerAway }: { readonly known: number; readonly trackerAway: boolean },
): Cause {
  if (bottleneck !== 'nobody') return CAUSE_OF[bottleneck];
  return known === 0 && trackerAway ? 'tracker' : 'no-source';
}
