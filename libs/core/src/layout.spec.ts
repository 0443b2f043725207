import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { goodTree, hashFile, naiveRoot, someBytes } from '../test/torrents.js';
import { Bitfield } from './bitfield.js';
import { BLOCK_SIZE, PieceLayout } from './layout.js';
import { parseInfoHash } from './ids.js';
import { subtreeRoot } from './merkle.js';
import type { Metainfo } from './metainfo.js';
import { buildMetainfo } from './metainfo-build.js';

const KIB = 1024;
const ROOT = Buffer.alloc(32, 7);

function singleFile(data: Buffer, pieceLength: number): PieceLayout {
  const files = [hashFile(['f'], data, pieceLength)];
  return new PieceLayout(buildMetainfo({ name: 'f', pieceLength, isFolder: false, files }));
}

/** A metainfo of files with these lengths, with meaningless roots. */
function unhashed(lengths: readonly number[], pieceLength: number): Metainfo {
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const pieces = Math.ceil(longest / pieceLength);
  return {
    infohash: parseInfoHash('00'.repeat(32)),
    name: 'torrent',
    pieceLength,
    files: lengths.map((length, i) =>
      length === 0 ? { path: [`${i}`], length } : { path: [`${i}`], length, piecesRoot: ROOT },
    ),
    isFolder: true,
    totalLength: lengths.reduce((sum, length) => sum + length, 0),
    layers: new Map([[ROOT.toString('hex'), Buffer.alloc(pieces * 32, 9)]]),
    bytes: Buffer.alloc(0),
  };
}

describe('a piece layout', () => {
  test('covers each file in order with pieces that begin in it, and pieces with blocks', () => {
    fc.assert(
      fc.property(goodTree, fc.constantFrom(16384, 32768, 65536), (tree, pieceLength) => {
        const files = tree.map(({ path, length, seed }) =>
          hashFile(path, someBytes(length, seed), pieceLength),
        );
        const metainfo = buildMetainfo({ name: '\u{1f41d}', pieceLength, isFolder: true, files });
        const layout = new PieceLayout(metainfo);
        let piece = 0;
        metainfo.files.forEach((file, index) => {
          const count = Math.ceil(file.length / pieceLength);
          expect(layout.filePieces(index)).toEqual({ first: count === 0 ? 0 : piece, count });
          for (let offset = 0; offset < file.length; offset += pieceLength) {
            const size = Math.min(pieceLength, file.length - offset);
            expect(layout.pieceFile(piece)).toEqual({ file: index, offset });
            expect(layout.pieceSize(piece)).toBe(size);
            expect(layout.blockCount(piece)).toBe(1);
            expect(layout.blockSize(piece, 0)).toBe(size);
            piece += 1;
          }
        });
        expect(layout.pieceCount).toBe(piece);
        expect(layout.totalLength).toBe(metainfo.totalLength);
      }),
    );
  });

  test('combines block roots to the same root as the whole piece', () => {
    const pieceLength = fc.constantFrom(16 * KIB, 64 * KIB, 256 * KIB, 512 * KIB, 1024 * KIB);
    fc.assert(
      fc.property(
        pieceLength,
        fc.integer({ min: 1, max: 2300 * KIB }),
        fc.nat(250),
        (pieceBytes, length, seed) => {
          const data = someBytes(length, seed);
          const layout = singleFile(data, pieceBytes);
          for (let piece = 0; piece < layout.pieceCount; piece += 1) {
            const content = data.subarray(piece * pieceBytes, (piece + 1) * pieceBytes);
            expect(content.length).toBe(layout.pieceSize(piece));
            const roots = Array.from({ length: layout.blockCount(piece) }, (_, block) => {
              const start = block * Math.min(BLOCK_SIZE, pieceBytes);
              const bytes = content.subarray(start, start + layout.blockSize(piece, block));
              return subtreeRoot(bytes, layout.blockLeaves(piece));
            });
            const expected = naiveRoot(content, layout.pieceLeaves(piece));
            expect(layout.combineBlocks(piece, roots).equals(expected)).toBe(true);
            expect(layout.pieceRoot(piece).equals(expected)).toBe(true);
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('cuts long pieces into blocks of 256 KiB, the last one shorter', () => {
    const layout = new PieceLayout(unhashed([2 * 1024 * KIB + 300 * KIB], 1024 * KIB));
    expect([0, 1, 2].map((piece) => layout.blockCount(piece))).toEqual([4, 4, 2]);
    expect([0, 1].map((block) => layout.blockSize(2, block))).toEqual([BLOCK_SIZE, 44 * KIB]);
    expect([layout.pieceLeaves(2), layout.blockLeaves(2)]).toEqual([64, 16]);
  });

  test('makes the tree of a file of one piece as wide as its own leaves need', () => {
    const layout = new PieceLayout(unhashed([100 * KIB, 600 * KIB], 1024 * KIB));
    expect([layout.pieceLeaves(0), layout.blockLeaves(0)]).toEqual([8, 8]);
    expect([layout.pieceLeaves(1), layout.blockLeaves(1)]).toEqual([64, 16]);
  });

  test('sums the bytes of any pieces', () => {
    const lengths = fc.array(fc.nat(70_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(lengths, fc.infiniteStream(fc.boolean()), (files, coins) => {
        const layout = new PieceLayout(unhashed([...files, 1], 16384));
        const pieces = Bitfield.empty(layout.pieceCount);
        let bytes = 0;
        for (let piece = 0; piece < layout.pieceCount; piece++) {
          if (coins.next().value !== true) continue;
          pieces.set(piece);
          bytes += layout.pieceSize(piece);
        }
        expect(layout.bytesOf(pieces)).toBe(bytes);
        expect(layout.bytesOf(Bitfield.full(layout.pieceCount))).toBe(layout.totalLength);
      }),
    );
  });

  test('sums no pieces of another torrent', () => {
    const layout = new PieceLayout(unhashed([5, 16385], 16384));
    expect(() => layout.bytesOf(Bitfield.full(4))).toThrow(RangeError);
  });

  test('is made once for each metainfo', () => {
    const metainfo = unhashed([5, 16385], 16384);
    expect(PieceLayout.of(metainfo)).toBe(PieceLayout.of(metainfo));
    expect(PieceLayout.of({ ...metainfo })).not.toBe(PieceLayout.of(metainfo));
  });

  test('skips empty files', () => {
    const layout = new PieceLayout(unhashed([0, 5, 0, 0, 16385, 0], 16384));
    expect(Array.from({ length: layout.pieceCount }, (_, i) => layout.pieceFile(i))).toEqual([
      { file: 1, offset: 0 },
      { file: 4, offset: 0 },
      { file: 4, offset: 16384 },
    ]);
  });

  test('takes the roots of a long file from its layer and of a short one from itself', () => {
    const layout = new PieceLayout(unhashed([5, 16385], 16384));
    expect(layout.pieceRoot(0)).toEqual(ROOT);
    expect(layout.pieceRoot(2)).toEqual(Buffer.alloc(32, 9));
  });

  test.each([-1, 3, 0.5, NaN])('has no piece %d among three', (index) => {
    const layout = new PieceLayout(unhashed([5, 16385], 16384));
    expect(() => layout.pieceSize(index)).toThrow(RangeError);
    expect(() => layout.pieceFile(index)).toThrow(RangeError);
    expect(() => layout.pieceRoot(index)).toThrow(RangeError);
    expect(() => layout.pieceLeaves(index)).toThrow(RangeError);
    expect(() => layout.blockCount(index)).toThrow(RangeError);
    expect(() => layout.blockSize(index, 0)).toThrow(RangeError);
    expect(() => layout.blockLeaves(index)).toThrow(RangeError);
    expect(() => layout.combineBlocks(index, [ROOT])).toThrow(RangeError);
  });

  test.each([-1, 2, 0.5, NaN])('has no block %d in a piece of two', (block) => {
    const layout = new PieceLayout(unhashed([2 * BLOCK_SIZE], 1024 * KIB));
    expect(() => layout.blockSize(0, block)).toThrow(RangeError);
  });

  test.each([0, 1, 3])('does not make a piece of two blocks from %d roots', (count) => {
    const layout = new PieceLayout(unhashed([2 * BLOCK_SIZE], 1024 * KIB));
    expect(() => layout.combineBlocks(0, Array<Buffer>(count).fill(ROOT))).toThrow(RangeError);
  });

  test('is not made from a metainfo that lacks a layer', () => {
    expect(() => new PieceLayout({ ...unhashed([16385], 16384), layers: new Map() })).toThrow(RangeError);
  });

  test.each([
    ['300,000 pieces of one file', [300_000 * 16384], 299_999 * 16384],
    ['100,000 small files', Array<number>(100_000).fill(5), 0],
  ])('of %s is created quickly', (_, lengths, lastOffset) => {
    const metainfo = unhashed(lengths, 16384);
    const times = [1, 2, 3].map(() => {
      const start = performance.now();
      const layout = new PieceLayout(metainfo);
      const last = layout.pieceFile(layout.pieceCount - 1);
      expect(last).toEqual({ file: lengths.length - 1, offset: lastOffset });
      return performance.now() - start;
    });
    // About ten times the usual time, since the machine may be busy.
    expect(Math.min(...times)).toBeLessThan(500);
  });
});
