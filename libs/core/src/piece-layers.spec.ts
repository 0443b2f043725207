import { describe, expect, test } from '@jest/globals';
import { faultOf } from '../test/fault-of.js';
import { dict, hashFile, someBytes } from '../test/torrents.js';
import type { BencodeValue } from './bencode-value.js';
import type { MetainfoFile } from './metainfo.js';
import { readPieceLayers } from './piece-layers.js';
import { runSteps } from './steps.js';

const PIECE = 16384;
const { layer, piecesRoot } = hashFile(['f'], someBytes(3 * PIECE + 1), PIECE);
const large: MetainfoFile = { path: ['f'], length: 3 * PIECE + 1, piecesRoot: piecesRoot! };
const small: MetainfoFile = { path: ['s'], length: PIECE, piecesRoot: Buffer.alloc(32, 1) };
const key = piecesRoot!.toString('latin1');

describe('piece layers', () => {
  test('are keyed by root, one for all identical files', () => {
    const { layers, missing } = runSteps(
      readPieceLayers(dict({ [key]: layer! }), [large, small, { ...large, path: ['g'] }], PIECE),
    );
    expect(missing).toBeUndefined();
    expect([...layers]).toEqual([[piecesRoot!.toString('hex'), layer]]);
  });

  test.each<[string, BencodeValue | undefined]>([
    ['all', undefined],
    ['all, of an empty dictionary', dict({})],
  ])('may be missing: %s', (_, layers) => {
    const read = runSteps(readPieceLayers(layers, [large, small], PIECE));
    expect(read).toEqual({ layers: new Map(), missing: piecesRoot!.toString('hex') });
  });

  const broken = Buffer.from(layer!);
  broken[0] = broken[0]! ^ 1;
  const twin = { ...large, length: 2 * PIECE };
  test.each<[string, BencodeValue | undefined, MetainfoFile[], string]>([
    ['they are not a dictionary', [], [large], 'not a dictionary'],
    ['they are not a dictionary and not needed', 1, [small], 'not a dictionary'],
    ['one is not a string', dict({ [key]: 1 }), [large], 'is not a byte string'],
    ['one is short', dict({ [key]: layer!.subarray(32) }), [large], '96 bytes, not 32 for each of 4 pieces'],
    ['one is long', dict({ [key]: Buffer.concat([layer!, Buffer.alloc(32)]) }), [large], '160 bytes'],
    ['one is cut within a hash', dict({ [key]: layer!.subarray(1) }), [large], '127 bytes'],
    ['one does not hash to its root', dict({ [key]: broken }), [large], 'does not hash to it'],
    [
      'files with the same root differ in length',
      dict({ [key]: layer! }),
      [large, twin],
      'for each of 2 pieces',
    ],
    [
      'one is for a file of one piece',
      dict({ [small.piecesRoot!.toString('latin1')]: Buffer.alloc(32, 1) }),
      [small],
      'belongs to no file',
    ],
    ['one is for no file', dict({ [key]: layer!, x: Buffer.alloc(32) }), [large], 'belongs to no file'],
  ])('are refused when %s', (_, layers, files, fault) => {
    const error = faultOf(() => runSteps(readPieceLayers(layers, files, PIECE)));
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_METAINFO' });
    expect(error.message).toContain(fault);
  });
});
