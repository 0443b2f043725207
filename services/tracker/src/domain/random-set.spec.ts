import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RandomSet, RandomSets } from './random-set.js';
import { seededRandom } from '../../test/seeded-random.js';

describe('a RandomSet', () => {
  test('equals a Set after any additions and deletions', () => {
    const changes = fc.array(fc.tuple(fc.boolean(), fc.nat(20)));
    fc.assert(
      fc.property(changes, (list) => {
        const set = new RandomSet<number>();
        const model = new Set<number>();
        for (const [adds, item] of list) {
          if (adds) set.add(item);
          else set.delete(item);
          if (adds) model.add(item);
          else model.delete(item);
        }
        expect(new Set(set)).toEqual(model);
        expect(set.size).toBe(model.size);
        for (let item = 0; item <= 20; item += 1) expect(set.has(item)).toBe(model.has(item));
      }),
    );
  });

  test('returns each item once, in another order for another seed', () => {
    const set = new RandomSet<number>();
    for (let item = 0; item < 100; item += 1) set.add(item);
    const orders = [1, 2].map((seed) => [...set.shuffled(seededRandom(seed))]);
    for (const order of orders) expect([...order].sort((a, b) => a - b)).toEqual([...set]);
    expect(orders[0]).not.toEqual(orders[1]);
  });

  test('draws every item equally often', () => {
    const set = new RandomSet<number>();
    for (let item = 0; item < 10; item += 1) set.add(item);
    const random = seededRandom(7);
    const counts = Array<number>(10).fill(0);
    for (let draw = 0; draw < 10_000; draw += 1) {
      for (const item of set.shuffled(random)) {
        counts[item]! += 1;
        break;
      }
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe('RandomSets', () => {
  const setOf = (...items: string[]): RandomSet<string> => {
    const set = new RandomSet<string>();
    for (const item of items) set.add(item);
    return set;
  };

  test('draw each item of all sets once', () => {
    const sets = new RandomSets([setOf('a', 'b', 'c'), setOf(), setOf('d')]);
    for (let seed = 1; seed <= 20; seed += 1)
      expect([...sets.shuffled(seededRandom(seed))].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect([...new RandomSets([]).shuffled(seededRandom(1))]).toEqual([]);
  });

  test('draw each item as the first equally often, for any sizes of the sets', () => {
    const sets = new RandomSets([setOf('a'), setOf('b', 'c', 'd')]);
    const random = seededRandom(1);
    const firsts = new Map<string, number>();
    for (let round = 0; round < 4000; round += 1) {
      const [first = ''] = sets.shuffled(random);
      firsts.set(first, (firsts.get(first) ?? 0) + 1);
    }
    for (const item of ['a', 'b', 'c', 'd']) {
      expect(firsts.get(item)).toBeGreaterThan(850);
      expect(firsts.get(item)).toBeLessThan(1150);
    }
  });
});
