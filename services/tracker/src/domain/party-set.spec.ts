import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PartySet, PartySets } from './party-set.js';
import { seededRandom } from '../../test/seeded-random.js';

interface Item {
  readonly name: string;
  readonly party: string;
}

const items: readonly Item[] = Array.from({ length: 24 }, (_, number) => ({
  name: `${number}`,
  party: ['a', 'b', 'c', ''][number % 4] ?? '',
}));
const changes = fc.array(fc.tuple(fc.boolean(), fc.constantFrom(...items)));

/** Applies changes, and draws in between, so that the index exists while the set changes. */
function changed(list: readonly (readonly [boolean, Item])[], drawAt: number): PartySet<Item> {
  const set = new PartySet<Item>();
  list.forEach(([adds, item], step) => {
    if (adds) set.add(item);
    else set.delete(item);
    if (step === drawAt) set.inTurns(seededRandom(1))[Symbol.iterator]().next();
  });
  return set;
}

describe('a PartySet', () => {
  test('yields each item once, and in each round one of each party that has one left', () => {
    fc.assert(
      fc.property(changes, fc.nat(10), fc.nat(), (list, drawAt, seed) => {
        const set = changed(list, drawAt);
        const drawn = [...set.inTurns(seededRandom(seed))];
        expect(drawn).toHaveLength(set.size);
        expect(new Set(drawn)).toEqual(new Set(set));
        const turns = new Map<string, number>();
        const rounds = drawn.map(({ party }) => {
          const turn = (turns.get(party) ?? 0) + 1;
          turns.set(party, turn);
          return turn;
        });
        expect(rounds).toEqual([...rounds].sort((one, other) => one - other));
      }),
    );
  });

  test('draws each party as the first equally often, whatever it has', () => {
    const set = new PartySet<Item>();
    for (let number = 0; number < 1000; number++) set.add({ name: `${number}`, party: 'many' });
    set.add({ name: 'x', party: 'one' });
    const random = seededRandom(3);
    let ones = 0;
    for (let draw = 0; draw < 1000; draw++) {
      const [first] = set.inTurns(random);
      if (first?.party === 'one') ones += 1;
    }
    expect(Math.abs(ones - 500)).toBeLessThan(80);
  });

  test('has no party that lost its last item', () => {
    const set = new PartySet<Item>();
    const [first, second] = items as [Item, Item];
    set.add(first);
    set.add(second);
    expect([...set.inTurns(seededRandom(1))]).toHaveLength(2);
    set.delete(first);
    expect([...set.inTurns(seededRandom(1))]).toEqual([second]);
  });
});

describe('PartySets', () => {
  test('yield each item of all sets once', () => {
    const sets = [0, 1].map((kind) => {
      const set = new PartySet<Item>();
      items.forEach((item, number) => {
        if (number % 2 === kind) set.add(item);
      });
      return set;
    });
    const drawn = [...new PartySets(sets).inTurns(seededRandom(5))];
    expect(new Set(drawn)).toEqual(new Set(items));
    expect(drawn).toHaveLength(items.length);
  });
});
