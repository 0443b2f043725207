import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { choosePieceLength, isPieceLength } from './piece-length.js';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

test.each([
  [1, 256 * KIB],
  [200 * MIB, 256 * KIB],
  [512 * MIB - 1, 256 * KIB],
  [512 * MIB, 512 * KIB],
  [GIB, MIB],
  [4 * GIB, 4 * MIB],
  [100 * GIB, 16 * MIB],
  [2 ** 53 - 1, 16 * MIB],
])('%d bytes are cut into pieces of %d', (total, length) => {
  expect(choosePieceLength(total)).toBe(length);
});

test('between the limits there are 1,024 to 2,047 whole pieces', () => {
  fc.assert(
    fc.property(fc.integer({ min: 256 * MIB, max: 32 * GIB - 1 }), (total) => {
      const length = choosePieceLength(total);
      expect(isPieceLength(length)).toBe(true);
      expect(Math.floor(total / length)).toBeGreaterThanOrEqual(1024);
      expect(Math.floor(total / length)).toBeLessThan(2048);
    }),
  );
});

test.each([16 * KIB, 32 * KIB, MIB, 64 * MIB])('a piece can have %d bytes', (length) => {
  expect(isPieceLength(length)).toBe(true);
});

test.each([0, -16384, 8 * KIB, 16 * KIB + 1, 48 * KIB, 128 * MIB, 2 ** 40, NaN, 0.5])(
  'a piece cannot have %d bytes',
  (length) => expect(isPieceLength(length)).toBe(false),
);
