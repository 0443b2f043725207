import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Budgets } from './budgets.js';
import { SERVICE_LIMITS } from './limits.js';
import { Turns } from './turns.js';

/** A party may have 16 of 40. */
function scene() {
  const budgets = new Budgets({ ...SERVICE_LIMITS, calls: 40 }, 1);
  return { budgets, turns: new Turns(budgets, 'calls') };
}

describe('Turns', () => {
  it('let a party begin as many calls as it may, then one for each that ends, in their order', () => {
    const { turns } = scene();
    const begun: number[] = [];
    const ends = Array.from({ length: 20 }, (_, i) => turns.take('a', () => begun.push(i)));
    expect(begun).toHaveLength(16);
    ends[3]?.();
    ends[5]?.();
    expect(begun.slice(16)).toEqual([16, 17]);
    turns.take('b', () => begun.push(100));
    expect(begun.at(-1)).toBe(100);
    expect(turns.waiting).toBe(2);
  });

  it('let the call of another party begin when the limit of all was reached', () => {
    const { turns } = scene();
    const begun: string[] = [];
    const take = (party: string, count: number): (() => void)[] =>
      Array.from({ length: count }, () => turns.take(party, () => begun.push(party)));
    const ends = take('a', 16);
    take('b', 16);
    take('c', 10);
    expect(begun).toHaveLength(40);
    ends[0]?.();
    expect(begun.at(-1)).toBe('c');
  });

  it('share what ends among the parties that wait, the last to have had a turn last', () => {
    const { turns } = scene();
    const begun: string[] = [];
    const ends: (() => void)[] = [];
    const take = (party: string, count: number): void => {
      for (let i = 0; i < count; i += 1)
        ends.push(
          turns.take(party, () => {
            begun.push(party);
          }),
        );
    };
    take('a', 40);
    take('b', 40);
    take('c', 40);
    take('d', 2);
    const before = begun.length;
    for (const end of ends.slice(0, 6)) end();
    expect(begun.slice(before)).toEqual(['c', 'd', 'c', 'd', 'c', 'c']);
  });

  it('give back all that was taken, whatever ends first', () => {
    const step = fc.record({ party: fc.nat(3), ends: fc.option(fc.nat(200)) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const { budgets, turns } = scene();
        const open: (() => void)[] = [];
        for (const { party, ends } of steps) {
          const [end] = ends === null ? [] : open.splice(ends % Math.max(1, open.length), 1);
          if (end) end();
          else open.push(turns.take(`${party}`, () => undefined));
          expect(budgets.held('calls') + turns.waiting).toBe(open.length);
        }
        for (const end of open) end();
        expect([budgets.held('calls'), turns.waiting]).toEqual([0, 0]);
      }),
    );
  });
});
