import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PartySet } from './party-set.js';
import { RandomSet } from './random-set.js';
import { nearQuota, selectPeers, wantedAtFirst, wantedInstead, type Candidates } from './peer-selection.js';
import { seededRandom } from '../../test/seeded-random.js';

interface Sample {
  readonly name: string;
  readonly seeder: boolean;
  readonly place: string;
  readonly inDegree: number;
  readonly party: string;
}

class Samples implements Candidates<Sample> {
  readonly seeders = new PartySet<Sample>();
  readonly leechers = new PartySet<Sample>();

  #party: string | undefined;

  add(count: number, seeder: boolean, place = '', inDegree = 0): this {
    const kind = seeder ? this.seeders : this.leechers;
    for (let n = 0; n < count; n += 1)
      kind.add({ name: `${place}${n}`, seeder, place, inDegree, party: this.#party ?? `${place}${n}` });
    return this;
  }

  /** Those that are added next belong to this party. */
  of(party: string): this {
    this.#party = party;
    return this;
  }

  near(place: string): RandomSet<Sample> {
    const near = new RandomSet<Sample>();
    for (const peer of [...this.seeders, ...this.leechers]) if (peer.place === place) near.add(peer);
    return near;
  }
}

function select(from: Samples, total: number, places: string[] = [], seed = 1): Sample[] {
  const wanted = { ...wantedAtFirst(total), places, excludes: () => false };
  return selectPeers(from, wanted, seededRandom(seed));
}

const seedersIn = (peers: Sample[]): number => peers.filter(({ seeder }) => seeder).length;
const at = (peers: Sample[], place: string): number => peers.filter((peer) => peer.place === place).length;

describe('the selected peers', () => {
  test('are all peers if there are fewer than requested', () => {
    expect(select(new Samples().add(3, true).add(4, false), 50)).toHaveLength(7);
  });

  test('are half seeders and half leechers if there are enough of both', () => {
    const peers = select(new Samples().add(1000, true).add(1000, false), 50);
    expect(peers).toHaveLength(50);
    expect(seedersIn(peers)).toBe(25);
  });

  test.each([
    [1, 1000],
    [1000, 1],
  ])(
    'are filled up with the other kind if one kind is short (%d seeders, %d leechers)',
    (seeders, leechers) => {
      const peers = select(new Samples().add(seeders, true).add(leechers, false), 50);
      expect(peers).toHaveLength(50);
      expect(seedersIn(peers)).toBe(seeders === 1 ? 1 : 49);
    },
  );

  test('are preferably those with a low in-degree, if there are twice as many', () => {
    const peers = select(new Samples().add(100, false, 'late', 1).add(100, false, 'early', 80), 50);
    // Among a hundred random peers about fifty are late.
    expect(at(peers, 'late')).toBeGreaterThan(35);
    expect(select(new Samples().add(10, false, 'late', 1).add(30, false, 'early', 80), 40)).toHaveLength(40);
  });

  test('are never chosen twice', () => {
    const peers = select(new Samples().add(40, true, 'zone=a').add(40, false, 'zone=a'), 50, ['zone=a']);
    expect(new Set(peers).size).toBe(50);
  });

  test('differ with the seed', () => {
    const from = new Samples().add(1000, false);
    expect(select(from, 50, [], 1)).not.toEqual(select(from, 50, [], 2));
  });

  test('do not include excluded peers', () => {
    const from = new Samples().add(30, true).add(30, false);
    const excludes = ({ name }: Sample): boolean => Number(name) < 20;
    const peers = selectPeers(from, { ...wantedAtFirst(50), places: [], excludes }, seededRandom(1));
    expect(peers).toHaveLength(20);
  });

  test('are near ones first, but a quarter is drawn from all', () => {
    const from = new Samples().add(10_000, false).add(200, false, 'zone=a');
    const peers = select(from, 50, ['zone=a']);
    expect(at(peers, 'zone=a')).toBeGreaterThanOrEqual(37);
    expect(at(peers, 'zone=a')).toBeLessThan(45);
  });

  test.each([1, 2, 3])('are never chosen by proximity if they are %d', (total) => {
    expect(wantedAtFirst(total).near).toBe(0);
  });

  test.each([
    [600, 200],
    [600, 50],
    [20_000, 4],
  ])('include the honest seeder among %d fake ones of one party, if %d are wanted', (fakes, total) => {
    const from = new Samples().of('10.0.0.1').add(fakes, true, 'fake').of('10.0.0.2').add(1, true, 'honest');
    for (let seed = 1; seed <= 20; seed++) {
      const peers = select(from, total, [], seed);
      expect([peers.length, at(peers, 'honest')]).toEqual([total, 1]);
    }
  });

  test('are at most a quarter of one party, however many it has, while there are others', () => {
    const from = new Samples().of('10.0.0.1').add(500, true, 'fake');
    from
      .of('10.0.0.2')
      .add(30, true, 'b')
      .of('10.0.0.3')
      .add(30, true, 'c')
      .of('10.0.0.4')
      .add(30, false, 'd');
    from.of('10.0.0.5').add(200, true, 'e');
    for (let seed = 1; seed <= 20; seed++)
      expect(at(select(from, 50, [], seed), 'fake')).toBeLessThanOrEqual(15);
  });

  test('of a swarm behind one address are chosen as in any other', () => {
    const from = new Samples().of('10.0.0.1').add(100, false, 'late', 1).add(100, false, 'early', 80);
    const peers = select(from, 50);
    expect(peers).toHaveLength(50);
    expect(at(peers, 'late')).toBeGreaterThan(35);
  });

  test('include other zones, if there are any, for any size of the own zone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 60 }), fc.integer({ min: 1, max: 200 }), (total, near) => {
        const peers = select(new Samples().add(2000, true).add(near, true, 'zone=a'), total, ['zone=a']);
        expect(at(peers, '')).toBeGreaterThan(0);
        expect(at(peers, 'zone=a')).toBeGreaterThanOrEqual(Math.min(near, nearQuota(total)));
      }),
    );
  });

  test('are of the closest place first', () => {
    const from = new Samples().add(1000, false).add(10, false, 'node=n').add(100, false, 'zone=a');
    const peers = select(from, 50, ['node=n', 'zone=a']);
    expect(at(peers, 'node=n')).toBe(10);
    expect(at(peers, 'zone=a')).toBeGreaterThanOrEqual(15);
  });

  test('include seeders even if all near peers are leechers', () => {
    const from = new Samples().add(100, true).add(100, false, 'zone=a');
    expect(seedersIn(select(from, 50, ['zone=a']))).toBe(13);
  });

  test('in place of one that left are seeders while seeders are lacking', () => {
    expect(wantedInstead(50, 0, () => 0)).toEqual({ total: 1, near: 0, seeders: 1 });
    expect(wantedInstead(50, 30, () => 0.1)).toEqual({ total: 1, near: 0, seeders: 0 });
    expect(wantedInstead(50, 30, () => 0.9)).toEqual({ total: 1, near: 1, seeders: 0 });
  });
});
