import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  crossesZones,
  DISTANCES,
  distanceBetween,
  isNear,
  neighbourhoodsOf,
  placeOf,
  type Distance,
  type Place,
} from './locality.js';

const name = fc.constantFrom('', 'a', 'b');
const place: fc.Arbitrary<Place> = fc.tuple(name, name, name, name);
const said = fc.constantFrom('a', 'b');
const fullPlace: fc.Arbitrary<Place> = fc.tuple(said, said, said, said);
const rank = (distance: Distance): number => DISTANCES.indexOf(distance);

function between(a: Record<string, string>, b: Record<string, string>): Distance {
  return distanceBetween(placeOf(a), placeOf(b));
}

describe('the distance of two peers', () => {
  it.each([
    [{ node: 'n1' }, { node: 'n1' }, 'node'],
    [{ node: 'n1', rack: 'r' }, { node: 'n2', rack: 'r' }, 'rack'],
    [{ node: 'n1', zone: 'z' }, { node: 'n2', zone: 'z' }, 'zone'],
    [{ zone: 'z', region: 'eu' }, { zone: 'y', region: 'eu' }, 'region'],
    [{ zone: 'z', region: 'eu' }, { zone: 'z', region: 'us' }, 'far'],
    [{ zone: 'z' }, { zone: 'y' }, 'far'],
    [{ rack: 'r1', zone: 'z' }, { rack: 'r1', zone: 'y' }, 'far'],
    [{ zone: 'z' }, { zone: 'z', region: 'eu' }, 'zone'],
    [{ region: 'eu' }, { region: 'eu' }, 'unknown'],
    [{ region: 'eu', rack: 'r1' }, { region: 'eu', rack: 'r2' }, 'unknown'],
    [{ node: 'n1' }, { node: 'n2' }, 'unknown'],
    [{ zone: 'z' }, {}, 'unknown'],
    [{}, {}, 'unknown'],
  ] as const)('of %j and %j is "%s"', (a, b, expected) => {
    expect(between(a, b)).toBe(expected);
  });

  it('comes from the labels of Kubernetes as from the short ones, which take precedence', () => {
    const kubernetes = { 'topology.kubernetes.io/zone': 'z', 'kubernetes.io/hostname': 'n1' };
    expect(between(kubernetes, { zone: 'z', node: 'n1' })).toBe('node');
    expect(between(kubernetes, { zone: 'z', node: 'n2' })).toBe('zone');
    expect(between({ ...kubernetes, zone: 'y' }, { zone: 'z' })).toBe('far');
    expect(between({ zone: '', 'topology.kubernetes.io/zone': 'z' }, { zone: 'z' })).toBe('zone');
  });

  it('is the same both ways', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        expect(distanceBetween(a, b)).toBe(distanceBetween(b, a));
      }),
    );
  });

  it('is at most the greater of the distances to a third peer, if all labels are set', () => {
    fc.assert(
      fc.property(fullPlace, fullPlace, fullPlace, (a, b, c) => {
        const bridged = Math.max(rank(distanceBetween(a, b)), rank(distanceBetween(b, c)));
        expect(rank(distanceBetween(a, c))).toBeLessThanOrEqual(bridged);
      }),
    );
  });

  it('is near, across zones or unknown, and exactly one of the three', () => {
    for (const distance of DISTANCES) {
      const kinds = [isNear(distance), crossesZones(distance), distance === 'unknown'];
      expect(kinds.filter(Boolean)).toHaveLength(1);
    }
  });

  it('accepts any labels', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.string()),
        fc.dictionary(fc.string(), fc.string()),
        (a, b) => {
          expect(DISTANCES).toContain(between(a, b));
        },
      ),
    );
    expect(placeOf({ __proto__: { zone: 'z' } } as unknown as Record<string, string>)).toEqual([
      '',
      '',
      '',
      '',
    ]);
  });
});

describe('the names of neighbourhoods', () => {
  it('are ordered closest first, without unknown levels', () => {
    expect(neighbourhoodsOf(['eu', 'z', '', 'n'])).toHaveLength(3);
    expect(neighbourhoodsOf(['', '', '', ''])).toEqual([]);
  });

  it('are shared only by peers that are no farther apart', () => {
    fc.assert(
      fc.property(place, place, (a, b) => {
        const shared = neighbourhoodsOf(a).filter((one) => neighbourhoodsOf(b).includes(one));
        if (shared.some((one) => (JSON.parse(one) as string[]).length > 1))
          expect(isNear(distanceBetween(a, b))).toBe(true);
      }),
    );
  });

  it('are shared by all peers as close, if all labels are set', () => {
    fc.assert(
      fc.property(fullPlace, fullPlace, (a, b) => {
        const [, , , node] = [...neighbourhoodsOf(a)].reverse();
        const isSame = (level: number): boolean => neighbourhoodsOf(a)[level] === neighbourhoodsOf(b)[level];
        expect(node).toBeDefined();
        const distance = distanceBetween(a, b);
        expect([isSame(0), isSame(1), isSame(2), isSame(3)]).toEqual(
          ['node', 'rack', 'zone', 'region'].map((level) => rank(distance) <= rank(level as Distance)),
        );
      }),
    );
  });
});
