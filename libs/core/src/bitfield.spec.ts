import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultOf } from '../test/fault-of.js';
import { Bitfield } from './bitfield.js';

function bitfieldOf(length: number, set: Iterable<number>): Bitfield {
  const bitfield = Bitfield.empty(length);
  for (const index of set) bitfield.set(index);
  return bitfield;
}

/** A length and a subset of its indexes, from sparse to dense. */
const sized = fc.integer({ min: 1, max: 400 }).chain((length) =>
  fc.record({
    length: fc.constant(length),
    one: fc.uniqueArray(fc.nat(length - 1)),
    other: fc.uniqueArray(fc.nat(length - 1)),
  }),
);

describe('a bitfield', () => {
  test('is read 32 bits at a time, with zeros beyond its end', () => {
    fc.assert(
      fc.property(sized, fc.nat(15), ({ length, one }, at) => {
        const bitfield = bitfieldOf(length, one);
        const bits = Array.from({ length: 32 }, (_, bit) => (one.includes(32 * at + bit) ? '1' : '0'));
        expect(bitfield.word(at)).toBe(Number.parseInt(bits.join(''), 2));
      }),
    );
  });

  test('behaves as a set of indexes', () => {
    const command = fc.record({ index: fc.nat(99), set: fc.boolean() });
    fc.assert(
      fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
        const model = new Set<number>();
        const bitfield = Bitfield.empty(100);
        for (const { index, set } of commands) {
          const changes = set !== model.has(index);
          expect(set ? bitfield.set(index) : bitfield.clear(index)).toBe(changes);
          if (set) model.add(index);
          else model.delete(index);
          expect(bitfield.has(index)).toBe(set);
          expect(bitfield.count).toBe(model.size);
        }
        expect([...bitfield.indexes()]).toEqual([...model].sort((a, b) => a - b));
        expect(bitfield.isEmpty()).toBe(model.size === 0);
      }),
    );
  });

  test('finds the next common index of two, from any index', () => {
    fc.assert(
      fc.property(sized, ({ length, one, other }) => {
        const common = one.filter((index) => other.includes(index)).sort((a, b) => a - b);
        const left = bitfieldOf(length, one);
        const right = bitfieldOf(length, other);
        for (let from = 0; from <= length; from += 1) {
          expect(left.nextCommon(right, from)).toBe(common.find((index) => index >= from) ?? -1);
        }
      }),
    );
  });

  test('goes to bytes and back', () => {
    fc.assert(
      fc.property(sized, ({ length, one }) => {
        const bitfield = bitfieldOf(length, one);
        const copy = Bitfield.fromBytes(bitfield.toBytes(), length);
        expect([...copy.indexes()]).toEqual([...bitfield.indexes()]);
        expect(copy.count).toBe(one.length);
      }),
    );
  });

  test.each([0, 1, 7, 8, 9, 31, 32, 33, 64, 100])('of %d bits can be full', (length) => {
    const full = Bitfield.full(length);
    expect(full.count).toBe(length);
    expect(full.isFull()).toBe(true);
    expect([...full.indexes()]).toEqual(Array.from({ length }, (_, i) => i));
    expect(Bitfield.fromBytes(full.toBytes(), length).isFull()).toBe(true);
  });

  test('counts bits from the highest of the first byte', () => {
    expect([...bitfieldOf(12, [0, 7, 8]).toBytes()]).toEqual([0b10000001, 0b10000000]);
  });

  test('of no bits is both empty and full, and takes no bytes', () => {
    const nothing = Bitfield.fromBytes(new Uint8Array(0), 0);
    expect([nothing.isEmpty(), nothing.isFull(), nothing.toBytes().length]).toEqual([true, true, 0]);
    expect(nothing.nextCommon(nothing, 0)).toBe(-1);
  });

  test('shares no memory with its clone, the bytes it was made from or those it returns', () => {
    const bytes = new Uint8Array([0x80]);
    const bitfield = Bitfield.fromBytes(bytes, 8);
    const clone = bitfield.clone();
    bytes[0] = 0;
    bitfield.toBytes()[0] = 0;
    clone.set(5);
    expect([...bitfield.indexes()]).toEqual([0]);
    expect([...clone.indexes()]).toEqual([0, 5]);
    expect([bitfield.count, clone.count]).toEqual([1, 2]);
  });

  test.each([
    ['too few bytes', [0xff], 9],
    ['too many bytes', [0xff, 0], 8],
    ['a spare bit set', [0xff, 0x40], 9],
    ['bytes for no bits', [0], 0],
  ])('is refused with %s', (_, bytes, length) => {
    expect(faultOf(() => Bitfield.fromBytes(Uint8Array.from(bytes), length))).toMatchObject({
      code: 'invalid',
      reason: 'BAD_BITFIELD',
    });
  });

  test.each([-1, 10, 0.5, NaN, 2 ** 32])('has no index %d', (index) => {
    const bitfield = Bitfield.full(10);
    expect(() => bitfield.has(index)).toThrow(RangeError);
    expect(() => bitfield.set(index)).toThrow(RangeError);
    expect(() => bitfield.clear(index)).toThrow(RangeError);
    if (index !== 10) expect(() => bitfield.nextCommon(bitfield, index)).toThrow(RangeError);
  });

  test('has nothing in common with one of another length', () => {
    expect(() => Bitfield.full(8).nextCommon(Bitfield.full(9), 0)).toThrow(RangeError);
  });

  test.each([-1, 0.5, NaN, 2 ** 31])('cannot have %d bits', (length) => {
    expect(() => Bitfield.empty(length)).toThrow(RangeError);
  });
});
