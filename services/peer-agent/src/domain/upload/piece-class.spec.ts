import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import fc from 'fast-check';
import { firstOfClass, type PieceClass } from './piece-class.js';

/** One piece after the other. */
function simply(pieces: Bitfield, { modulus, residue }: PieceClass, low: number, high: number): number {
  for (let at = low; at < high; at++) if (at % modulus === residue && pieces.has(at)) return at;
  return -1;
}

function without(pieceCount: number, absent: (piece: number) => boolean): Bitfield {
  const pieces = Bitfield.full(pieceCount);
  for (let piece = 0; piece < pieceCount; piece++) if (absent(piece)) pieces.clear(piece);
  return pieces;
}

/** Words read until the search ends, over the whole set. */
function readsFor(pieces: Bitfield, of: PieceClass): number {
  let reads = 0;
  const counted = {
    word: (at: number): number => {
      reads += 1;
      return pieces.word(at);
    },
  };
  expect(firstOfClass(counted, of, { low: 0, high: pieces.length })).toBe(-1);
  return reads;
}

describe('the first piece of a class', () => {
  it('is the one found by checking each piece, for any set, class and range', () => {
    const anySearch = fc.integer({ min: 1, max: 300 }).chain((length) =>
      fc.record({
        length: fc.constant(length),
        set: fc.uniqueArray(fc.nat(length - 1)),
        modulus: fc.integer({ min: 1, max: 80 }),
        residue: fc.nat(),
        ends: fc.tuple(fc.nat(length), fc.nat(length)),
      }),
    );
    fc.assert(
      fc.property(anySearch, ({ length, set, modulus, residue, ends }) => {
        const pieces = Bitfield.empty(length);
        for (const piece of set) pieces.set(piece);
        const of = { modulus, residue: residue % modulus };
        const [low, high] = [Math.min(...ends), Math.max(...ends)];
        expect(firstOfClass(pieces, of, { low, high })).toBe(simply(pieces, of, low, high));
      }),
      { numRuns: 1000 },
    );
  });

  it('is found, or not, by reading 32 pieces at a time, however many pieces of other classes there are', () => {
    const pieceCount = 65_536;
    const even = without(pieceCount, (piece) => piece % 2 === 1);
    expect(readsFor(even, { modulus: 2, residue: 1 })).toBe(pieceCount / 32);
    const others = without(pieceCount, (piece) => piece % 1000 === 7);
    expect(readsFor(others, { modulus: 1000, residue: 7 })).toBe(66);
    const all = Bitfield.full(pieceCount);
    expect(readsFor(all, { modulus: 100_000, residue: 99_999 })).toBe(0);
  });
});
