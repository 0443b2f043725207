import { PieceLayout } from '@enjambre/core/layout';
import type { Metainfo } from '@enjambre/core/metainfo';
import type { PieceStore } from '../../src/app/ports/piece-store.js';
import { bytesOf, folderMetainfo, metainfoOf } from '../support/content.js';

const KIB = 1024;
export const PIECE = 512 * KIB;
export const BLOCK = 256 * KIB;

/** Content, with its bytes. */
export interface Sample {
  readonly metainfo: Metainfo;
  /** By path within the content; '' is a single file. */
  readonly files: Readonly<Record<string, Buffer>>;
}

/** Content is built once, when it is first needed. */
function once(make: () => Sample): () => Sample {
  let sample: Sample | undefined;
  return () => (sample ??= make());
}

export const single = once(() => {
  const data = bytesOf(3 * PIECE + 100_000);
  return { metainfo: metainfoOf(data, PIECE, 'big.bin'), files: { '': data } };
});

export const tiny = once(() => {
  const data = bytesOf(1);
  return { metainfo: metainfoOf(data, 16 * KIB, 'tiny'), files: { '': data } };
});

export const smallPieces = once(() => {
  const data = bytesOf(5 * 16 * KIB + 1);
  return { metainfo: metainfoOf(data, 16 * KIB, 'pieces'), files: { '': data } };
});

export const tree = once(() => {
  const files = {
    'a.bin': bytesOf(PIECE + 1, 1),
    'empty.txt': Buffer.alloc(0),
    'deep/er/b.bin': bytesOf(20_000, 2),
    'deep/void/empty.bin': Buffer.alloc(0),
    'z.bin': bytesOf(2 * PIECE, 3),
  };
  return { metainfo: folderMetainfo(files, PIECE, 'tree'), files };
});

/** The bytes of a block, in their own memory. */
export function blockOf({ metainfo, files }: Sample, piece: number, block: number): Buffer {
  const layout = new PieceLayout(metainfo);
  const { file, offset } = layout.pieceFile(piece);
  const data = files[metainfo.isFolder ? metainfo.files[file]!.path.join('/') : '']!;
  const begin = offset + block * layout.longestBlock;
  return Buffer.from(data.subarray(begin, begin + layout.blockSize(piece, block)));
}

/** Writes all blocks, last piece first, and returns which pieces hash to their roots. */
export async function download(store: PieceStore, sample: Sample): Promise<boolean[]> {
  const layout = new PieceLayout(sample.metainfo);
  const pieces = Array.from({ length: layout.pieceCount }, (_, piece) => piece).reverse();
  const right = await Promise.all(
    pieces.map(async (piece) => {
      const blocks = Array.from({ length: layout.blockCount(piece) }, (_, block) => block);
      const roots = await Promise.all(
        blocks.map((block) => store.write(piece, block, blockOf(sample, piece, block))),
      );
      return layout.combineBlocks(piece, roots).equals(layout.pieceRoot(piece));
    }),
  );
  return right.reverse();
}
