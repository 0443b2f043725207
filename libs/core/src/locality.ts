import type { Labels } from './labels.js';

/**
 * How far two peers are apart, the closest first. `node`, `rack`, `zone`: in the same one. `region`: in another zone of
 * the same region. `far`: in another zone of another region, or of one that was not said. `unknown`: their labels do
 * not tell.
 */
export const DISTANCES = ['node', 'rack', 'zone', 'region', 'far', 'unknown'] as const;
export type Distance = (typeof DISTANCES)[number];

/** Where a peer stands, the widest first: region, zone, rack, node. Empty where nothing was said. */
export type Place = readonly [region: string, zone: string, rack: string, node: string];

/** The labels that say it, in the order of {@link Place}: our own short ones, then those of Kubernetes. */
const PLACE_LABELS: readonly (readonly string[])[] = [
  ['region', 'topology.kubernetes.io/region'],
  ['zone', 'topology.kubernetes.io/zone'],
  ['rack', 'topology.kubernetes.io/rack'],
  ['node', 'kubernetes.io/hostname'],
];

/** What being at the same region, zone, rack and node makes of two peers. */
const SAME: readonly Distance[] = ['region', 'zone', 'rack', 'node'];
const ZONE = 1;

export function placeOf(labels: Labels): Place {
  const [region = '', zone = '', rack = '', node = ''] = PLACE_LABELS.map((keys) => {
    const key = keys.find((one) => Object.hasOwn(labels, one) && labels[one] !== '');
    return key === undefined ? '' : (labels[key] ?? '');
  });
  return [region, zone, rack, node];
}

/**
 * How far two places are apart; the same both ways. A wider place that differs outweighs a narrower one
 * that is called the same: rack r1 of one zone is not rack r1 of another.
 */
export function distanceBetween(a: Place, b: Place): Distance {
  let distance: Distance = 'unknown';
  for (let level = 0; level < SAME.length; level++) {
    const [one = '', other = ''] = [a[level], b[level]];
    if (one === '' || other === '') continue;
    if (one === other) distance = SAME[level] ?? distance;
    else if (level <= ZONE) return distance === 'unknown' ? 'far' : distance;
    else break;
  }
  // The same region alone does not tell whether the zone is the same.
  return distance === 'region' ? 'unknown' : distance;
}

/** Whether the way between two peers so far apart leaves a zone. Of those of whom it is not known, it is not said. */
export function crossesZones(distance: Distance): boolean {
  return distance === 'region' || distance === 'far';
}

/** Whether two peers so far apart are known to be in the same zone, or closer. */
export function isNear(distance: Distance): boolean {
  return distance === 'node' || distance === 'rack' || distance === 'zone';
}

/**
 * Names of the node, rack, zone and region that a place is in, the closest first, none where nothing was said.
 * Peers that share the name of a node, rack or zone are no farther apart than that.
 */
export function neighbourhoodsOf(place: Place): string[] {
  return place
    .flatMap((name, level) => (name === '' ? [] : [JSON.stringify(place.slice(0, level + 1))]))
    .reverse();
}
