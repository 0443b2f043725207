import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SortedRows } from './sorted-rows.js';

const ascending = (one: { key: number }, other: { key: number }): number => one.key - other.key;

test('rows stay in order, whatever is added and deleted', () => {
  const change = fc.record({ adds: fc.boolean(), key: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 100 }), fc.nat(40), (changes, start) => {
      const rows = new SortedRows(ascending);
      const present = new Map<number, { key: number }>();
      for (const { adds, key } of changes) {
        const row = present.get(key) ?? { key };
        if (adds && !present.has(key)) rows.add(row);
        if (!adds) rows.delete(row);
        if (adds) present.set(key, row);
        else present.delete(key);
      }
      const expected = [...present.keys()].sort((one, other) => one - other).filter((key) => key >= start);
      expect([...rows.from(({ key }) => key < start)].map(({ key }) => key)).toEqual(expected);
    }),
  );
});

test('very many rows are in order too', () => {
  const rows = new SortedRows(ascending);
  const all = Array.from({ length: 50_000 }, (_, index) => ({ key: (index * 7919) % 50_000 }));
  for (const row of all) rows.add(row);
  for (const row of all) if (row.key % 3 === 0) rows.delete(row);
  const left = [...rows.from(({ key }) => key < 10_000)].map(({ key }) => key);
  expect(left).toEqual(
    Array.from({ length: 50_000 }, (_, key) => key).filter((key) => key >= 10_000 && key % 3 > 0),
  );
});
