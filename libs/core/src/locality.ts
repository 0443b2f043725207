import type { Labels } from './labels.js';

/**
 * Distances between two peers, closest first. `node`, `rack`, `zone`: in the same one. `region`: in another
 * zone of the same region. `far`: in another zone, and either in another region or with a region unknown.
 * `unknown`: unknown from their labels.
 */
export const DISTANCES = ['node', 'rack', 'zone', 'region', 'far', 'unknown'] as const;
export type Distance = (typeof DISTANCES)[number];

/** Location of a peer, widest level first: region, zone, rack, node. Empty where unknown. */
export type Place = readonly [region: string, zone: string, rack: string, node: string];

/** The labels of each level of {@link Place}: our own short ones, then those of Kubernetes. */
const PLACE_LABELS: readonly (readonly string[])[] = [
  ['region', 'topology.kubernetes.io/region'],
  ['zone', 'topology.kubernetes.io/zone'],
  ['rack', 'topology.kubernetes.io/rack'],
  ['node', 'kubernetes.io/hostname'],
];

/** The distance of two peers that share a region, zone, rack or node. */
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
 * The distance of two places; symmetric. A difference at a wider level outweighs equal names at a narrower
 * one: rack r1 of one zone is not rack r1 of another.
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
  // An equal region alone does not decide whether the zone is the same.
  return distance === 'region' ? 'unknown' : distance;
}

/** True if the path between two peers at this distance leaves a zone. False if the distance is unknown. */
export function crossesZones(distance: Distance): boolean {
  return distance === 'region' || distance === 'far';
}

/** True if two peers at this distance are known to be in the same zone, or closer. */
export function isNear(distance: Distance): boolean {
  return distance === 'node' || distance === 'rack' || distance === 'zone';
}

/**
 * Names of the node, rack, zone and region of a place, closest first; unknown levels are omitted. Peers that
 * share the name of a node, rack or zone are at most that far apart.
 */
export function neighbourhoodsOf(place: Place): string[] {
  return place
    .flatMap((name, level) => (name === '' ? [] : [JSON.stringify(place.slice(0, level + 1))]))
    .reverse();
}
