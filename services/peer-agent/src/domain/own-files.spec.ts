import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NOT_NOTED, ownerOf, readOwnFiles, withOwn } from './own-files.js';

const COUNT = 12;
const files = fc.uniqueArray(fc.nat(COUNT - 1));
const ownOf = (own: string): number[] =>
  Array.from({ length: COUNT }, (_, file) => file).filter(ownerOf(own));

describe('own files', () => {
  it('are those that were created, in whatever order and however often they are added', () => {
    fc.assert(
      fc.property(fc.array(files), (additions) => {
        let own = 'none';
        const made = new Set<number>();
        for (const some of additions) {
          own = withOwn(own, some, COUNT);
          for (const file of some) made.add(file);
          expect(ownOf(own)).toEqual([...made].sort((a, b) => a - b));
          expect(readOwnFiles(own)).toBe(own);
        }
      }),
    );
  });

  it('are those in any of the ranges, in whatever order a text lists them', () => {
    const range = fc.tuple(fc.nat(COUNT - 1), fc.nat(COUNT - 1));
    fc.assert(
      fc.property(fc.array(range, { minLength: 1, maxLength: 6 }), (ranges) => {
        const own = ranges.map(([first, last]) => `${first}-${last}`).join(',');
        const expected = Array.from({ length: COUNT }, (_, file) => file).filter((file) =>
          ranges.some(([first, last]) => first <= file && file <= last),
        );
        expect(ownOf(own)).toEqual(expected);
      }),
    );
  });

  it('are all, or none', () => {
    expect(ownOf('all')).toHaveLength(COUNT);
    expect(ownOf('none')).toEqual([]);
    expect(withOwn('none', [...Array(COUNT).keys()], COUNT)).toBe('all');
    expect(withOwn('all', [3], COUNT)).toBe('all');
    expect(withOwn('none', [0, 1, 2, 5], COUNT)).toBe('0-2,5');
  });

  it('are none if nothing was recorded, or nothing that can be parsed', () => {
    expect(ownOf(NOT_NOTED)).toEqual([]);
    for (const text of ['1-', 'some', '1,,2', 'all,3', '-1', '1-2-3', '9999999999'])
      expect(readOwnFiles(text)).toBe(NOT_NOTED);
    expect(ownOf(withOwn(NOT_NOTED, [4], COUNT))).toEqual([4]);
  });
});
