import { createHash } from 'node:crypto';
import { fileRoot, leavesOfPiece } from '@enjambre/core/file-root';
import { subtreeRoot } from '@enjambre/core/merkle';
import type { Metainfo } from '@enjambre/core/metainfo';
import { buildMetainfo } from '@enjambre/core/metainfo-build';
import { seededRandom } from '../../src/domain/random.js';

const TILE = 16 * 1024;

/** Bytes without two equal leaves; the same for the same seed. */
export function bytesOf(length: number, seed = 1): Buffer {
  const random = seededRandom(seed);
  const tile = Buffer.from(Array.from({ length: TILE }, () => Math.floor(random() * 256)));
  const data = Buffer.alloc(length, tile);
  for (let at = 0; at + 4 <= length; at += TILE) data.writeUInt32LE(at / TILE, at);
  return data;
}

/** The metainfo of a single file that contains `data`. */
export function metainfoOf(data: Buffer, pieceLength: number, name = 'file.bin'): Metainfo {
  return buildMetainfo({ name, pieceLength, isFolder: false, files: [hashed([name], data, pieceLength)] });
}

/** The metainfo of a folder. */
export function folderMetainfo(
  files: Readonly<Record<string, Buffer>>,
  pieceLength: number,
  name = 'folder',
): Metainfo {
  const entries = Object.entries(files).map(([path, data]) => hashed(path.split('/'), data, pieceLength));
  return buildMetainfo({ name, pieceLength, isFolder: true, files: entries });
}

function hashed(path: string[], data: Buffer, pieceLength: number) {
  if (data.length === 0) return { path, length: 0 };
  const leaves = leavesOfPiece(data.length, pieceLength);
  const roots: Buffer[] = [];
  for (let at = 0; at < data.length; at += pieceLength) {
    roots.push(subtreeRoot(data.subarray(at, at + pieceLength), leaves));
  }
  const layer = Buffer.concat(roots);
  return { path, length: data.length, piecesRoot: fileRoot(layer, data.length, pieceLength), layer };
}

/** The metainfo of a folder of this many one-byte files, which no peer has. */
export function metainfoOfMany(count: number): Metainfo {
  const files = Array.from({ length: count }, (_, index) => {
    const piecesRoot = createHash('sha256').update(String(index)).digest();
    return { path: [`folder-${index % 30}`, `file-${index}`], length: 1, piecesRoot };
  });
  return buildMetainfo({ name: 'many', pieceLength: TILE, isFolder: true, files });
}
