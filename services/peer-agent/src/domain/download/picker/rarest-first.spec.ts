import { describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import fc from 'fast-check';
import { seededRandom } from '../../random.js';
import { rarestFirst } from './rarest-first.js';

function bits(length: number, pieces: Iterable<number>): Bitfield {
  const bitfield = Bitfield.empty(length);
  for (const piece of pieces) bitfield.set(piece);
  return bitfield;
}

function rarestOf(availability: Uint32Array, wanted: Bitfield): number {
  return Math.min(
    ...[...wanted.indexes()].map((piece) => availability[piece] ?? 0).filter((count) => count > 0),
  );
}

describe('rarestFirst', () => {
  it('chooses the rarest wanted piece of the peer, and nothing if there is none', () => {
    const scene = fc.integer({ min: 1, max: 200 }).chain((length) =>
      fc.record({
        counts: fc.array(fc.nat(4), { minLength: length, maxLength: length }),
        wanted: fc.array(fc.boolean(), { minLength: length, maxLength: length }),
        has: fc.array(fc.boolean(), { minLength: length, maxLength: length }),
        seed: fc.integer(),
      }),
    );
    fc.assert(
      fc.property(scene, ({ counts, wanted, has, seed }) => {
        const pieces = counts.map((_, piece) => piece);
        const inHand = pieces.filter((piece) => has[piece]);
        // Every peer with the piece is counted.
        const availability = Uint32Array.from(counts, (count, piece) => count + (has[piece] ? 1 : 0));
        const want = bits(
          pieces.length,
          pieces.filter((piece) => wanted[piece]),
        );
        const choice = rarestFirst(want, bits(pieces.length, inHand), {
          availability,
          rarest: rarestOf(availability, want),
          random: seededRandom(seed),
        });
        const candidates = inHand.filter((piece) => wanted[piece]);
        if (candidates.length === 0) return expect(choice).toBe(-1);
        expect(candidates).toContain(choice);
        expect(availability[choice]).toBe(Math.min(...candidates.map((piece) => availability[piece] ?? 0)));
      }),
      { numRuns: 500 },
    );
  });

  it('chooses each of the equally rare pieces at times', () => {
    const all = Bitfield.full(16);
    const random = seededRandom(5);
    const context = { availability: new Uint32Array(16).fill(1), rarest: 1, random };
    const chosen = new Set(Array.from({ length: 400 }, () => rarestFirst(all, all, context)));
    expect([...chosen].sort((a, b) => a - b)).toEqual(Array.from({ length: 16 }, (_, piece) => piece));
  });

  it('finds the only piece that is left, wherever the search starts', () => {
    for (const piece of [0, 31, 32, 999]) {
      for (const begin of [0, 0.5, 0.999999]) {
        const context = { availability: new Uint32Array(1000).fill(9), rarest: 1, random: () => begin };
        expect(rarestFirst(bits(1000, [piece]), Bitfield.full(1000), context)).toBe(piece);
      }
    }
  });

  it('examines no more than a sample of very many candidates', () => {
    const all = Bitfield.full(100_000);
    const availability = new Uint32Array(100_000).fill(5);
    availability[50_000] = 1;
    const context = { availability, rarest: 1, random: () => 0 };
    expect(rarestFirst(all, all, context)).toBeLessThan(512);
    expect(rarestFirst(all, all, { ...context, random: () => 0.4999 })).toBe(50_000);
  });
});
