import { BencodeDict, type BencodeValue } from './bencode-value.js';
import { fileRootSteps } from './file-root.js';
import { HASH_SIZE } from './merkle.js';
import { badMetainfo, type MetainfoFile } from './metainfo.js';
import { StepCount, type Steps } from './steps.js';

export interface PieceLayers {
  /** Keyed by root in hex. */
  readonly layers: Map<string, Buffer>;
  /** A root whose layer is missing: `info` alone does not have its pieces' hashes. */
  readonly missing?: string;
}

/**
 * Reads the `piece layers` (BEP 52): one for the root of each file longer than a piece, with 32 bytes per
 * piece, that hashes to the root, and no others. Some or all may be missing. Throws `invalid` BAD_METAINFO
 * for a wrong layer. Hashes each layer once, about 1 µs per piece.
 */
export function* readPieceLayers(
  layers: BencodeValue | undefined,
  files: readonly MetainfoFile[],
  pieceLength: number,
): Steps<PieceLayers> {
  if (layers !== undefined && !(layers instanceof BencodeDict)) {
    throw badMetainfo('the piece layers are not a dictionary');
  }
  const read = new Map<string, Buffer>();
  let missing: string | undefined;
  const step = new StepCount();
  for (const { length, piecesRoot } of files) {
    if (step.isFull()) yield;
    if (piecesRoot === undefined || length <= pieceLength) continue;
    const root = piecesRoot.toString('hex');
    const layer = read.get(root) ?? layers?.get(piecesRoot.toString('latin1'));
    if (layer === undefined) {
      missing ??= root;
      continue;
    }
    checkLength(layer, root, Math.ceil(length / pieceLength));
    if (!read.has(root)) yield* checkHash(layer, piecesRoot, { length, pieceLength });
    read.set(root, layer);
  }
  if (layers !== undefined && layers.size !== read.size)
    throw badMetainfo('a piece layer belongs to no file');
  return { layers: read, ...(missing !== undefined && { missing }) };
}

function* checkHash(
  layer: Buffer,
  root: Buffer,
  { length, pieceLength }: { length: number; pieceLength: number },
): Steps<void> {
  if ((yield* fileRootSteps(layer, length, pieceLength)).equals(root)) return;
  throw badMetainfo(`the piece layer of root ${root.toString('hex')} does not hash to it`);
}

function checkLength(layer: BencodeValue, root: string, pieces: number): asserts layer is Buffer {
  if (!Buffer.isBuffer(layer)) throw badMetainfo(`the piece layer of root ${root} is not a byte string`);
  if (layer.length === pieces * HASH_SIZE) return;
  throw badMetainfo(
    `the piece layer of root ${root} has ${layer.length} bytes, not ${HASH_SIZE} for each of ${pieces} pieces`,
  );
}
