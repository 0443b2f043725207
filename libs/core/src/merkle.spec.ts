import { createHash } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { naiveRoot, someBytes } from '../test/torrents.js';
import { LEAF_SIZE } from './leaf-size.js';
import { leafHashes, merkleRoot, subtreeRoot, zeroRoot } from './merkle.js';

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest();

describe('leaf hashes', () => {
  test('are SHA-256 of 16 KiB each, the short last one unpadded', () => {
    const data = someBytes(2 * LEAF_SIZE + 5);
    expect(leafHashes(data)).toEqual(
      Buffer.concat([
        sha256(data.subarray(0, LEAF_SIZE)),
        sha256(data.subarray(LEAF_SIZE, 2 * LEAF_SIZE)),
        sha256(data.subarray(2 * LEAF_SIZE)),
      ]),
    );
  });

  test('of empty data are empty', () => {
    expect(leafHashes(new Uint8Array(0)).length).toBe(0);
  });

  test('have their own memory, as does a root, so that a worker can transfer them', () => {
    expect(leafHashes(someBytes(10)).buffer.byteLength).toBe(32);
    expect(subtreeRoot(someBytes(10), 1).buffer.byteLength).toBe(32);
  });
});

describe('the merkle root', () => {
  test('of data is that of the whole padded tree', () => {
    const leaves = fc.constantFrom(1, 2, 4, 8, 16, 32);
    fc.assert(
      fc.property(leaves, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(250), (width, part, seed) => {
        const data = someBytes(Math.round(part * width * LEAF_SIZE), seed);
        expect(subtreeRoot(data, width)).toEqual(naiveRoot(data, width));
      }),
      { numRuns: 60 },
    );
  });

  test('is made of hashes and the given padding', () => {
    fc.assert(
      fc.property(
        fc.nat(4),
        fc.nat(16),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (height, nodes, pad) => {
          const width = 2 ** height;
          const row = Array.from({ length: width }, (_, i) =>
            i < nodes ? sha256(Buffer.from([i])) : Buffer.from(pad),
          );
          const hashes = Buffer.concat(row.slice(0, nodes));
          let expected = row;
          while (expected.length > 1) {
            expected = expected.flatMap((node, i) =>
              i % 2 === 0 ? [sha256(Buffer.concat([node, expected[i + 1]!]))] : [],
            );
          }
          expect(merkleRoot(hashes, width, pad)).toEqual(expected[0]);
        },
      ),
    );
  });

  test('does not change the hashes', () => {
    const hashes = someBytes(4 * 32);
    merkleRoot(hashes, 4, Buffer.alloc(32));
    expect(hashes).toEqual(someBytes(4 * 32));
  });

  test.each([
    ['more hashes than nodes', 3, 2, 32],
    ['a width that is not a power of two', 3, 3, 32],
    ['no width', 0, 0, 32],
    ['a part of a hash', 0.5, 2, 32],
    ['a short padding', 1, 2, 31],
  ])('is not made of %s', (_, hashes, width, pad) => {
    expect(() => merkleRoot(Buffer.alloc(hashes * 32), width, Buffer.alloc(pad))).toThrow(RangeError);
  });
});

describe('the root of an all-zero tree', () => {
  test.each([1, 2, 4, 64, 1024])('%d leaves wide is that of zero leaf hashes', (leaves) => {
    expect(zeroRoot(leaves)).toEqual(naiveRoot(Buffer.alloc(0), leaves));
  });

  test('can be written to without changing later results', () => {
    zeroRoot(4).fill(1);
    expect(zeroRoot(4)).toEqual(naiveRoot(Buffer.alloc(0), 4));
  });

  test.each([0, 3, -2, 0.5])('does not exist %d leaves wide', (leaves) => {
    expect(() => zeroRoot(leaves)).toThrow(RangeError);
  });
});
