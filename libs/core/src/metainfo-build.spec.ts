import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultOf } from '../test/fault-of.js';
import { goodName, goodTree, hashFile, someBytes } from '../test/torrents.js';
import { type BuildFile, buildMetainfo } from './metainfo-build.js';
import { parseMetainfo } from './metainfo-parse.js';

const PIECE = 32768;
const ROOT = Buffer.alloc(32, 7);
const file = (...path: string[]): BuildFile => ({ path, length: 5, piecesRoot: ROOT });

function folder(files: readonly BuildFile[], changes: { name?: string; pieceLength?: number } = {}) {
  return buildMetainfo({ name: 'torrent', pieceLength: PIECE, isFolder: true, files, ...changes });
}

describe('a built metainfo', () => {
  test('is parsed to its input, for any order of the files', () => {
    fc.assert(
      fc.property(goodTree, goodName, (tree, name) => {
        fc.pre(!(tree.length === 1 && tree[0]?.path.length === 1 && tree[0].path[0] === name));
        const files = tree.map(({ path, length, seed }) => hashFile(path, someBytes(length, seed), PIECE));
        const metainfo = folder(files, { name });
        expect(folder(files.toReversed(), { name }).bytes.equals(metainfo.bytes)).toBe(true);
        expect(parseMetainfo(metainfo.bytes)).toEqual(metainfo);
        expect(metainfo).toMatchObject({ name, isFolder: true, pieceLength: PIECE });

        const inOrder = files.toSorted((a, b) => comparePaths(a.path, b.path));
        expect(metainfo.files).toEqual(
          inOrder.map(({ path, length, piecesRoot }) =>
            piecesRoot ? { path, length, piecesRoot } : { path, length },
          ),
        );
        const layers = files.flatMap(({ layer, piecesRoot }) =>
          layer ? [[piecesRoot!.toString('hex'), layer] as const] : [],
        );
        expect(new Map(metainfo.layers)).toEqual(new Map(layers));
      }),
    );
  });

  test('may be a single file', () => {
    const metainfo = buildMetainfo({ name: 'a', pieceLength: PIECE, isFolder: false, files: [file('a')] });
    expect(metainfo).toMatchObject({ isFolder: false, name: 'a', totalLength: 5 });
  });

  test('may hold names that differ only in case', () => {
    expect(folder([file('a'), file('A')]).files.map(({ path }) => path[0])).toEqual(['A', 'a']);
  });

  test('marks executable files', () => {
    const { files } = folder([
      { ...file('a'), executable: true },
      { ...file('b'), executable: false },
    ]);
    expect(files.map(({ path, executable }) => [path[0], executable])).toEqual([
      ['a', true],
      ['b', undefined],
    ]);
  });

  test('needs no layer for a file of one piece, and ignores one', () => {
    expect(folder([{ ...file('a'), layer: ROOT }]).bytes.equals(folder([file('a')]).bytes)).toBe(true);
  });

  test('may be 96 folders deep, as deep as can be read', () => {
    const path = Array.from({ length: 96 }, () => 'a');
    expect(folder([file(...path)]).files[0]?.path).toEqual(path);
    expect(faultOf(() => folder([file(...path, 'b')])).message).toContain('1 to 96 names');
  });

  test.each<[string, () => unknown, string, string]>([
    ['there are no files', () => folder([]), 'BAD_METAINFO', 'is empty'],
    ['there are no bytes', () => folder([{ path: ['a'], length: 0 }]), 'BAD_METAINFO', 'no bytes'],
    ['its name is bad', () => folder([file('a')], { name: 'a/b' }), 'BAD_NAME', 'separator'],
    ['the name of a file is bad', () => folder([file('a', '..')]), 'BAD_NAME', '".."'],
    ['a path is empty', () => folder([file()]), 'BAD_METAINFO', '1 to 96 names'],
    ['two files have a path', () => folder([file('a'), file('a')]), 'BAD_METAINFO', 'two entries'],
    [
      'a file lies in a file',
      () => folder([file('a'), file('a', 'b')]),
      'BAD_METAINFO',
      '"a/b" lies in another file',
    ],
    [
      'a folder has the path of a file',
      () => folder([file('a', 'b'), file('a')]),
      'BAD_METAINFO',
      'two entries',
    ],
    [
      'the piece length is odd',
      () => folder([file('a')], { pieceLength: 5 }),
      'BAD_METAINFO',
      'piece length',
    ],
    ['a length is negative', () => folder([{ ...file('a'), length: -5 }]), 'BAD_METAINFO', 'no length'],
    ['a root is missing', () => folder([{ path: ['a'], length: 5 }]), 'BAD_METAINFO', 'no pieces root'],
    ['a layer is missing', () => folder([{ ...file('a'), length: 99_999 }]), 'BAD_METAINFO', 'layer'],
    [
      'a layer is wrong',
      () => folder([{ ...file('a'), length: 50_000, layer: Buffer.alloc(64) }]),
      'BAD_METAINFO',
      'does not hash',
    ],
    ['a folder holds only its namesake', () => folder([file('torrent')]), 'BAD_METAINFO', 'share the file'],
    [
      'a single file has another path',
      () => buildMetainfo({ name: 'a', pieceLength: PIECE, isFolder: false, files: [file('b')] }),
      'BAD_METAINFO',
      'whose path is the name',
    ],
    [
      'it would be too large to read',
      () => folder([{ ...file('a'), length: 2_100_000 * PIECE, layer: Buffer.alloc(2_100_000 * 32) }]),
      'BAD_METAINFO',
      'choose longer pieces',
    ],
  ])('is refused when %s', (_, build, reason, fault) => {
    const error = faultOf(build);
    expect(error).toMatchObject({ code: 'invalid', reason });
    expect(error.message).toContain(fault);
  });
});

/** The order of the file tree: by the bytes of each name in turn. */
function comparePaths(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i += 1) {
    const order = Buffer.compare(Buffer.from(a[i]!), Buffer.from(b[i]!));
    if (order !== 0) return order;
  }
  return a.length - b.length;
}
