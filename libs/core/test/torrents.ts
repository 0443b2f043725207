import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { BencodeDict, type BencodeValue } from '../src/bencode-value.js';
import { fileRoot, leavesOfPiece } from '../src/file-root.js';
import { subtreeRoot } from '../src/merkle.js';
import type { BuildFile } from '../src/metainfo-build.js';
import { nameFault } from '../src/names.js';

/** A bencode dictionary from an object whose keys are latin1. */
export function dict(values: Record<string, BencodeValue>): BencodeDict {
  return BencodeDict.of(new Map(Object.entries(values)));
}

/** `length` bytes that differ between seeds and between leaves. */
export function someBytes(length: number, seed = 1): Buffer {
  const period = Buffer.from(Array.from({ length: 251 }, (_, i) => (i * i + 31 * i + seed) % 251));
  return Buffer.alloc(length, period);
}

/** Hashes a file as an agent would, piece by piece. */
export function hashFile(path: readonly string[], data: Buffer, pieceLength: number): BuildFile {
  if (data.length === 0) return { path, length: 0 };
  const leaves = leavesOfPiece(data.length, pieceLength);
  const roots: Buffer[] = [];
  for (let at = 0; at < data.length; at += pieceLength) {
    roots.push(subtreeRoot(data.subarray(at, at + pieceLength), leaves));
  }
  const layer = Buffer.concat(roots);
  const piecesRoot = fileRoot(layer, data.length, pieceLength);
  return data.length > pieceLength
    ? { path, length: data.length, piecesRoot, layer }
    : { path, length: data.length, piecesRoot };
}

/** The root over the leaf hashes of `data`, computed naively: the whole row of `width` nodes, row by row. */
export function naiveRoot(data: Buffer, width: number): Buffer {
  let row = Array.from({ length: width }, (_, leaf) => {
    const bytes = data.subarray(leaf * 16384, (leaf + 1) * 16384);
    return bytes.length > 0 ? createHash('sha256').update(bytes).digest() : Buffer.alloc(32);
  });
  while (row.length > 1) {
    row = Array.from({ length: row.length / 2 }, (_, i) =>
      createHash('sha256')
        .update(row[2 * i]!)
        .update(row[2 * i + 1]!)
        .digest(),
    );
  }
  return row[0]!;
}

/** Names that pass `checkName`. */
export const goodName = fc
  .oneof(
    fc.string({ minLength: 1, maxLength: 12 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }),
  )
  .filter((name) => nameFault(name) === undefined);

/** Paths and contents of a folder without collisions, at least one byte in all. */
export const goodTree = fc
  .array(
    fc.record({
      path: fc.array(goodName, { minLength: 1, maxLength: 4 }),
      length: fc.oneof(fc.nat(40), fc.nat(150_000), fc.constantFrom(0, 16384, 16385, 32768, 65536, 65537)),
      seed: fc.nat(250),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map(withoutCollisions)
  .filter((files) => files.some((file) => file.length > 0));

function withoutCollisions<T extends { path: readonly string[] }>(files: readonly T[]): T[] {
  const kinds = new Map<string, string>();
  return files.filter(({ path }) => {
    const steps = path.map((_, i) => path.slice(0, i + 1));
    const fits = steps.every((step, i) => {
      const before = kinds.get(step.join('/'));
      return before === undefined || (i < path.length - 1 && before === `folder ${step.join('/')}`);
    });
    if (!fits) return false;
    steps.forEach((step, i) =>
      kinds.set(step.join('/'), `${i < path.length - 1 ? 'folder' : 'file'} ${step.join('/')}`),
    );
    return true;
  });
}
