import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Bitfield } from '@enjambre/core/bitfield';
import { PieceLayout } from '@enjambre/core/layout';
import { bytesOf, folderMetainfo } from '../../test/support/content.js';
import { Selection } from './selection.js';

const PIECE = 16 * 1024;

const folders = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 4 * PIECE }), fc.boolean()), { minLength: 1, maxLength: 12 })
  .filter((files) => files.some(([length]) => length > 0));

describe('a selection', () => {
  it('has exactly the bytes and pieces of its files', () => {
    fc.assert(
      fc.property(folders, (files) => {
        const contents = Object.fromEntries(files.map(([length], at) => [`${at + 10}`, bytesOf(length)]));
        const metainfo = folderMetainfo(contents, PIECE, 'set');
        const layout = PieceLayout.of(metainfo);
        const selection = new Selection(metainfo, (file) => files[file]?.[1] === true);
        const selected = files.flatMap(([, is], file) => (is ? [file] : []));
        expect([...selection.files()]).toEqual(selected);
        expect(selection.fileCount).toBe(selected.length);
        expect(selection.bytes).toBe(selected.reduce((sum, file) => sum + (files[file]?.[0] ?? 0), 0));
        expect(selection.isAll).toBe(selected.length === files.length);
        for (let piece = 0; piece < layout.pieceCount; piece++)
          expect(selection.pieces.has(piece)).toBe(selection.has(layout.pieceFile(piece).file));
        expect(selection.isDone(selection.pieces)).toBe(true);
        expect(selection.isDone(Bitfield.empty(layout.pieceCount))).toBe(selection.pieces.isEmpty());
      }),
      { numRuns: 40 },
    );
  });

  it('includes another one exactly if it has all files of that', () => {
    const metainfo = folderMetainfo({ a: bytesOf(5), b: bytesOf(5), c: bytesOf(5) }, PIECE, 'set');
    const mask = fc.array(fc.boolean(), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(mask, mask, (one, other) => {
        const [a, b] = [one, other].map((files) => new Selection(metainfo, (file) => files[file] === true));
        expect(a!.includes(b!)).toBe(other.every((is, file) => !is || one[file] === true));
      }),
    );
  });
});
