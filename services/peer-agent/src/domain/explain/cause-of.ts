import type { Hindrance } from '../engine/hindrance.js';
import type { Cause } from './causes.js';

const CAUSE_OF: Readonly<Record<Exclude<Hindrance, 'nobody'>, Cause>> = {
  rate: 'own-limit',
  disk: 'disk',
  choked: 'uploaders',
  'held-back': 'uploaders',
  'nothing-there': 'no-source',
  peers: 'sources',
};

/** What the time of a download that runs goes to. */
export function causeOf(
  hindrance: Hindrance,
  { known, trackerAway }: { readonly known: number; readonly trackerAway: boolean },
): Cause {
  if (hindrance !== 'nobody') return CAUSE_OF[hindrance];
  return known === 0 && trackerAway ? 'tracker' : 'no-source';
}
