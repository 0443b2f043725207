import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { buildMetainfo } from '../src/metainfo-build.js';
import { parseMetainfo } from '../src/metainfo-parse.js';
import { PieceLayout } from '../src/layout.js';
import { subtreeRoot } from '../src/merkle.js';
import { hashFile } from './torrents.js';

interface Vector {
  readonly name: string;
  readonly piece_length: number;
  readonly files_in: readonly { path: string; length: number; seed: number }[];
  readonly file_tree: readonly { path: string; length: number; pieces_root: string }[];
  readonly infohash_v2: string;
  readonly piece_layers: Readonly<Record<string, number>>;
  readonly metainfo_sha256: string;
  readonly metainfo_base64: string;
}

const { vectors } = JSON.parse(readFileSync(new URL('./vectors/bep52.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};

/** The generator that the vector file prescribes. */
function generate(length: number, seed: number): Buffer {
  const data = Buffer.alloc(length);
  for (let at = 0; at < length; at += 1) {
    const i = at % 251;
    data[at] = (i * i + 31 * i + seed) % 251;
  }
  return data;
}

function contents(vector: Vector): { path: string[]; data: Buffer }[] {
  return vector.files_in.map(({ path, length, seed }) => ({
    path: path === '' ? [vector.name] : path.split('/'),
    data: generate(length, seed),
  }));
}

function isFolder(vector: Vector): boolean {
  return vector.files_in.every(({ path }) => path !== '');
}

describe.each(vectors)('the vector $name of libtorrent', (vector) => {
  const expected = Buffer.from(vector.metainfo_base64, 'base64');

  test('is built from its data, byte for byte', () => {
    const metainfo = buildMetainfo({
      name: vector.name,
      pieceLength: vector.piece_length,
      isFolder: isFolder(vector),
      files: contents(vector)
        .reverse()
        .map(({ path, data }) => hashFile(path, data, vector.piece_length)),
    });
    expect(metainfo.bytes.toString('base64')).toBe(vector.metainfo_base64);
    expect(createHash('sha256').update(metainfo.bytes).digest('hex')).toBe(vector.metainfo_sha256);
    expect(metainfo.infohash).toBe(vector.infohash_v2);
  });

  test('is parsed to its tree, layers and infohash', () => {
    const metainfo = parseMetainfo(expected);
    expect(metainfo.infohash).toBe(vector.infohash_v2);
    expect(metainfo.name).toBe(vector.name);
    expect(metainfo.pieceLength).toBe(vector.piece_length);
    expect(metainfo.isFolder).toBe(isFolder(vector));
    expect(metainfo.bytes.equals(expected)).toBe(true);
    expect(metainfo.totalLength).toBe(vector.file_tree.reduce((sum, file) => sum + file.length, 0));
    expect(
      metainfo.files.map(({ path, length, piecesRoot }) => ({
        path: path.join('/'),
        length,
        pieces_root: piecesRoot?.toString('hex') ?? '',
      })),
    ).toEqual(vector.file_tree);
    expect(
      Object.fromEntries([...metainfo.layers].map(([root, layer]) => [root, layer.length / 32])),
    ).toEqual(vector.piece_layers);
  });

  test('has pieces whose blocks hash to the roots in it', () => {
    const metainfo = parseMetainfo(expected);
    const layout = new PieceLayout(metainfo);
    const data = new Map(contents(vector).map(({ path, data: bytes }) => [path.join('/'), bytes]));
    let bytes = 0;
    for (let piece = 0; piece < layout.pieceCount; piece += 1) {
      const { file, offset } = layout.pieceFile(piece);
      const content = data.get(metainfo.files[file]!.path.join('/'))!;
      let at = offset;
      const roots = Array.from({ length: layout.blockCount(piece) }, (_, block) => {
        const start = at;
        at += layout.blockSize(piece, block);
        return subtreeRoot(content.subarray(start, at), layout.blockLeaves(piece));
      });
      expect(at - offset).toBe(layout.pieceSize(piece));
      expect(layout.combineBlocks(piece, roots).equals(layout.pieceRoot(piece))).toBe(true);
      bytes += at - offset;
    }
    expect(bytes).toBe(metainfo.totalLength);
  });
});
