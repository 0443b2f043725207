import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { NameIndex, type Named } from './name-index.js';

const id = (number: number): string => number.toString(16).padStart(64, '0');

function fill(names: string[]): NameIndex<string> {
  const index = new NameIndex<string>();
  names.forEach((name, number) => index.add({ name, id: id(number) }, name));
  return index;
}

describe('a NameIndex', () => {
  test('orders by name, then by id', () => {
    const index = new NameIndex<number>();
    index.add({ name: 'b', id: id(1) }, 1);
    index.add({ name: 'a', id: id(3) }, 2);
    index.add({ name: 'a', id: id(2) }, 3);
    expect(index.page({ query: '', limit: 10 })).toEqual({ items: [3, 2, 1], next: undefined });
  });

  test('finds parts of names in any case', () => {
    const index = fill(['Model.bin', 'other.txt', 'MODELS']);
    expect(index.page({ query: 'model', limit: 10 }).items).toEqual(['MODELS', 'Model.bin']);
  });

  test('finds prefixes of ids with 8 digits, not with 7', () => {
    const index = new NameIndex<number>();
    index.add({ name: 'x', id: `ab12cd34${'0'.repeat(56)}` }, 1);
    expect(index.page({ query: 'AB12CD34', limit: 10 }).items).toEqual([1]);
    expect(index.page({ query: 'ab12cd3', limit: 10 }).items).toEqual([]);
  });

  test('finds only whole names on request, even if many names contain it', () => {
    const index = fill([...Array.from({ length: 2000 }, (_, number) => `!model.bin.${number}`), 'model.bin']);
    expect(index.page({ query: 'model.bin', limit: 1000, exact: true })).toEqual({
      items: ['model.bin'],
      next: undefined,
    });
    expect(index.page({ query: ' model.bin', limit: 1000, exact: true }).items).toEqual(['model.bin']);
    for (const query of ['Model.bin', 'model', 'model.bin.1', ''])
      expect(index.page({ query, limit: 1000, exact: true }).items).toEqual([]);
  });

  test('finds a whole name in another Unicode normalization, and ids by 8 digits or more', () => {
    const index = fill(['caf\u00e9', 'deadbeef']);
    expect(index.page({ query: 'cafe\u0301', limit: 10, exact: true }).items).toEqual(['caf\u00e9']);
    expect(index.page({ query: id(1).slice(0, 63), limit: 10, exact: true }).items).toEqual([
      'caf\u00e9',
      'deadbeef',
    ]);
    expect(index.page({ query: 'deadbeef', limit: 10, exact: true }).items).toEqual(['deadbeef']);
  });

  test('reports more items only if there are', () => {
    const index = fill(['a', 'b', 'c']);
    expect(index.page({ query: '', limit: 2 }).next).toMatchObject({ name: 'b' });
    expect(index.page({ query: '', limit: 3 }).next).toBeUndefined();
  });

  test('pages show every remaining item exactly once, whatever changes between them', () => {
    const change = fc.record({ adds: fc.boolean(), number: fc.nat(50) });
    fc.assert(
      fc.property(
        fc.array(fc.array(change, { maxLength: 10 })),
        fc.integer({ min: 1, max: 5 }),
        (rounds, limit) => {
          const index = new NameIndex<Named>();
          const keyOf = (number: number): Named => ({ name: `n${number % 7}`, id: id(number) });
          const present = new Set<number>();
          for (let number = 0; number < 50; number += 3) present.add(number);
          for (const number of present) index.add(keyOf(number), keyOf(number));
          const stays = new Set(present);
          const shown: string[] = [];
          let after: Named | undefined;
          for (let round = 0; ; round += 1) {
            const page = index.page(after ? { query: '', limit, after } : { query: '', limit });
            shown.push(...page.items.map((item) => item.id));
            after = page.next;
            if (!after) break;
            for (const { adds, number } of rounds[round] ?? []) {
              if (adds === present.has(number)) continue;
              stays.delete(number);
              if (adds) present.add(number);
              else present.delete(number);
              if (adds) index.add(keyOf(number), keyOf(number));
              else index.delete(keyOf(number));
            }
          }
          expect(new Set(shown).size).toBe(shown.length);
          for (const number of stays) expect(shown).toContain(id(number));
        },
      ),
    );
  });

  test('finds all namesakes in pages, among them those of an id that begins like the name', () => {
    const index = new NameIndex<Named>();
    const name = 'deadbeef';
    const keys = Array.from({ length: 30 }, (_, number) => ({ name, id: id(number) }));
    keys.push({ name: 'a', id: `${name}1${'0'.repeat(55)}` }, { name: 'z', id: `${name}2${'0'.repeat(55)}` });
    keys.push({ name: ` ${name}`, id: id(99) });
    for (const key of keys) index.add(key, key);
    const shown: string[] = [];
    for (let after: Named | undefined; ;) {
      const page = index.page({ query: name, exact: true, limit: 7, ...(after && { after }) });
      shown.push(...page.items.map((item) => item.id));
      after = page.next;
      if (!after) break;
    }
    expect(shown).toHaveLength(33);
    expect(new Set(shown)).toEqual(new Set(keys.map((key) => key.id)));
  });

  test('searches very many names in several pages, and finds whole names at once', () => {
    const index = new NameIndex<string>();
    for (let number = 0; number < 50_000; number += 1)
      index.add({ name: `file ${number}`, id: id(number) }, 'other');
    index.add({ name: 'zebra', id: id(50_000) }, 'zebra');
    const found: string[] = [];
    let pages = 0;
    for (let after: Named | undefined; ; pages += 1) {
      const page = index.page({ query: 'zebra', limit: 10, ...(after && { after }) });
      found.push(...page.items);
      after = page.next;
      if (!after) break;
    }
    expect([found, pages]).toEqual([['zebra'], 25]);
    expect(index.page({ query: 'zebra', exact: true, limit: 10 }).items).toEqual(['zebra']);
  });

  test('lists an item of several names under each, until that name is gone', () => {
    const index = new NameIndex<string>();
    for (const name of ['b', 'a']) index.add({ name, id: id(1) }, name);
    const all = { query: '', limit: 10 };
    expect([index.size, index.page(all).items]).toEqual([2, ['a', 'b']]);
    expect(index.page({ ...all, query: id(1), exact: true }).items).toEqual(['a', 'b']);
    index.delete({ name: 'b', id: id(1) });
    index.delete({ name: 'c', id: id(1) });
    expect([index.size, index.page(all).items]).toEqual([1, ['a']]);
  });

  test('does not retain removed items, even without requests', () => {
    const index = new NameIndex<number>();
    for (let round = 0; round < 100_000; round += 1) {
      index.add({ name: 'x', id: id(round) }, round);
      index.delete({ name: 'x', id: id(round) });
    }
    expect(index.size).toBe(0);
    expect(index.page({ query: '', limit: 1 })).toEqual({ items: [], next: undefined });
  });
});
