import { describe, expect, test } from '@jest/globals';
import { faultOf } from '../test/fault-of.js';
import { dict } from '../test/torrents.js';
import type { BencodeDict, BencodeValue } from './bencode-value.js';
import { readFileTree } from './file-tree.js';
import { runSteps } from './steps.js';

const ROOT = Buffer.alloc(32, 7);
const file = { length: 5, 'pieces root': ROOT };

function leaf(values: Record<string, BencodeValue> = file): BencodeDict {
  return dict({ '': dict(values) });
}

/** The key that a name has in bencode. */
function key(name: string): string {
  return Buffer.from(name).toString('latin1');
}

describe('a file tree', () => {
  test('lists its files in the order of bytes, folders in their place', () => {
    const tree = dict({
      b: leaf(),
      a: dict({ z: leaf(), A: leaf() }),
      [key('ñ')]: leaf(),
      Z: leaf({ length: 0 }),
    });
    expect(runSteps(readFileTree(tree)).map(({ path }) => path.join('/'))).toEqual([
      'Z',
      'a/A',
      'a/z',
      'b',
      'ñ',
    ]);
  });

  test('accepts an empty file without a root, or with a root of zeros', () => {
    const tree = dict({ a: leaf({ length: 0 }), b: leaf({ length: 0, 'pieces root': Buffer.alloc(32) }) });
    expect(runSteps(readFileTree(tree))).toEqual([
      { path: ['a'], length: 0 },
      { path: ['b'], length: 0 },
    ]);
  });

  test('accepts the longest length, unknown keys and harmless attributes', () => {
    const tree = dict({ a: leaf({ ...file, length: 2 ** 53 - 1, attr: Buffer.from('xh'), mtime: 1 }) });
    expect(runSteps(readFileTree(tree))).toEqual([
      { path: ['a'], length: 2 ** 53 - 1, piecesRoot: ROOT, executable: true },
    ]);
  });

  test('accepts the same name in different folders', () => {
    expect(
      runSteps(readFileTree(dict({ a: dict({ x: leaf() }), b: dict({ X: leaf() }), x: leaf() }))),
    ).toHaveLength(3);
  });

  test('accepts names that some file systems treat as one: the disk decides', () => {
    const tree = dict({
      A: leaf(),
      a: dict({ b: leaf() }),
      [key('\u00e9')]: leaf(),
      [key('e\u0301')]: leaf(),
    });
    expect(runSteps(readFileTree(tree)).map(({ path }) => path.join('/'))).toEqual([
      'A',
      'a/b',
      'e\u0301',
      '\u00e9',
    ]);
  });

  test.each<[string, BencodeDict, string]>([
    ['is empty', dict({}), 'the file tree is empty'],
    ['holds an empty folder', dict({ a: leaf(), b: dict({}) }), '"b" is empty'],
    ['is itself a file', leaf(), '"" is empty'],
    ['holds an entry that is not a dictionary', dict({ a: 1 }), '"a" is not a dictionary'],
    ['holds a file that is not a dictionary', dict({ a: dict({ '': 1 }) }), '"a" is not a dictionary'],
    [
      'holds a file that is also a folder',
      dict({ a: dict({ '': dict(file), b: leaf() }) }),
      'both a file and a folder',
    ],
    ['holds a file without a length', dict({ a: leaf({ 'pieces root': ROOT }) }), 'no length'],
    ['holds a negative length', dict({ a: leaf({ ...file, length: -1 }) }), 'no length'],
    ['holds a length beyond 2^53', dict({ a: leaf({ ...file, length: 2n ** 53n }) }), 'no length'],
    ['holds a length in a string', dict({ a: leaf({ ...file, length: Buffer.from('5') }) }), 'no length'],
    ['holds a file without a root', dict({ a: leaf({ length: 5 }) }), 'no pieces root'],
    [
      'holds a short root',
      dict({ a: leaf({ ...file, 'pieces root': Buffer.alloc(31, 1) }) }),
      'no pieces root',
    ],
    ['holds a zero root', dict({ a: leaf({ ...file, 'pieces root': Buffer.alloc(32) }) }), 'root of zeros'],
    ['holds a symbolic link', dict({ a: leaf({ length: 0, attr: Buffer.from('l') }) }), 'symbolic link'],
    ['leads out of itself', dict({ a: dict({ '..': leaf() }) }), '"a/.." names the folder'],
    ['holds a name with a separator', dict({ 'a/b': leaf() }), 'separator'],
    ['holds a name with a NUL', dict({ 'a\0': leaf() }), 'control character'],
    ['holds a name that reads backwards', dict({ [key('a\u202eb')]: leaf() }), 'reorders'],
    ['holds a name that is too long', dict({ ['a'.repeat(256)]: leaf() }), 'longer than 255 bytes'],
    ['holds a name that is not UTF-8', dict({ a: dict({ '\xff': leaf() }) }), 'a name in "a" is not UTF-8'],
    ['holds an overlong encoding of "/"', dict({ '\xc0\xaf': leaf() }), 'not UTF-8'],
    ['holds an encoded surrogate', dict({ '\xed\xa0\x80': leaf() }), 'not UTF-8'],
  ])('is refused when it %s', (_, tree, fault) => {
    const error = faultOf(() => runSteps(readFileTree(tree)));
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_METAINFO' });
    expect(error.message).toContain(fault);
  });
});
