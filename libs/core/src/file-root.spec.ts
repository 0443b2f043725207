import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hashFile, naiveRoot, someBytes } from '../test/torrents.js';
import { fileRoot, leavesOfPiece } from './file-root.js';
import { LEAF_SIZE } from './leaf-size.js';

describe('the root of a file', () => {
  test('is that of one padded tree over all its leaves, whatever the piece length', () => {
    const length = fc.integer({ min: 1, max: 600_000 });
    const pieceLength = fc.constantFrom(1, 2, 4, 16).map((leaves) => leaves * LEAF_SIZE);
    fc.assert(
      fc.property(length, pieceLength, fc.nat(250), (bytes, piece, seed) => {
        const data = someBytes(bytes, seed);
        const leaves = Math.ceil(bytes / LEAF_SIZE);
        const width = 2 ** Math.ceil(Math.log2(leaves));
        expect(hashFile(['f'], data, piece).piecesRoot).toEqual(naiveRoot(data, width));
      }),
      { numRuns: 60 },
    );
  });

  test.each([0, 32, 96])('of two pieces is not made of %d bytes', (length) => {
    expect(() => fileRoot(Buffer.alloc(length), 2 * LEAF_SIZE, LEAF_SIZE)).toThrow(RangeError);
  });

  test('of an empty file does not exist', () => {
    expect(() => fileRoot(Buffer.alloc(0), 0, LEAF_SIZE)).toThrow(RangeError);
  });
});

test.each([
  [1, 1],
  [LEAF_SIZE, 1],
  [LEAF_SIZE + 1, 2],
  [3 * LEAF_SIZE, 4],
  [4 * LEAF_SIZE, 4],
  [4 * LEAF_SIZE + 1, 4],
  [2 ** 53 - 1, 4],
])('a piece of a file of %d bytes has a tree %d leaves wide', (length, leaves) => {
  expect(leavesOfPiece(length, 4 * LEAF_SIZE)).toBe(leaves);
});
