import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBencode, encodeBencode } from './bencode.js';
import { BencodeDict, type BencodeValue } from './bencode-value.js';
import { scanFor, sumOf } from './bencode-scan.js';
import { runSteps } from './steps.js';

const find = (bytes: Uint8Array, key = 'info') => runSteps(scanFor(bytes, key));

/** Counts as the scanner does: each string, number, list and dictionary, keys included. */
function countOf(value: BencodeValue): number {
  if (value instanceof BencodeDict) return [...value].reduce((sum, [, each]) => sum + 1 + countOf(each), 1);
  return Array.isArray(value)
    ? (value as BencodeValue[]).reduce<number>((sum, each) => sum + countOf(each), 1)
    : 1;
}

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.maxSafeInteger(),
    fc.string({ maxLength: 12 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string({ maxLength: 4 }), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** Plain values to bencode. */
function bencoded(plain: unknown): Buffer {
  if (typeof plain === 'number') return Buffer.from(`i${plain === 0 ? 0 : plain}e`);
  if (typeof plain === 'string') {
    const text = Buffer.from(plain);
    return Buffer.concat([Buffer.from(`${text.length}:`), text]);
  }
  if (Array.isArray(plain))
    return Buffer.concat([Buffer.from('l'), ...plain.map(bencoded), Buffer.from('e')]);
  const entries = Object.entries(plain as object).map(
    ([key, each]) => [Buffer.from(key), bencoded(each)] as const,
  );
  entries.sort(([one], [other]) => Buffer.compare(one, other));
  const parts = entries.flatMap(([key, each]) => [Buffer.from(`${key.length}:`), key, each]);
  return Buffer.concat([Buffer.from('d'), ...parts, Buffer.from('e')]);
}

describe('scanFor', () => {
  test('finds exactly the bytes that decoding finds, and counts all values', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('a', 'info', 'zz'), value, { noNullPrototype: true }),
        (plain) => {
          const bytes = bencoded(plain);
          const decoded = decodeBencode(bytes) as BencodeDict;
          const found = find(bytes);
          expect(found !== undefined).toBe('info' in plain);
          if (!found) return;
          expect(bytes.subarray(found.start, found.end)).toEqual(decoded.raw('info'));
          expect(found.values).toBe(countOf(decoded.get('info') ?? 0));
          // Neither the dictionary itself counts nor anything in the value.
          expect(found.otherValues).toBe(countOf(decoded) - 1 - found.values);
        },
      ),
    );
  });

  test('finds nothing in what is cut off, no dictionary, or random', () => {
    const whole = bencoded({ info: { a: [1, 'b'] }, z: 'end' });
    for (let length = 0; length < whole.length; length++)
      expect(find(whole.subarray(0, length))).toBeUndefined();
    expect(find(encodeBencode([1, 2]))).toBeUndefined();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const found = find(bytes);
        expect(found === undefined || found.end <= bytes.length).toBe(true);
      }),
    );
  });

  test('takes lengths of strings that exceed the bytes for malformed', () => {
    for (const text of [
      'd4:info99:xe',
      'd4:info99999999999999999999999:xe',
      'd4:infoi5',
      'd4:info-1:e',
      'd000000000000004:infoi1ee',
      `d${'0'.repeat(1_000_000)}`,
    ])
      expect(find(Buffer.from(text))).toBeUndefined();
  });
});

/** The integers after `key`, as {@link sumOf} finds them. */
function sumIn(plain: unknown, key: string): number {
  if (typeof plain !== 'object' || plain === null) return 0;
  return Object.entries(plain).reduce(
    (sum, [name, each]) =>
      sum + (name === key && typeof each === 'number' ? each : 0) + sumIn(each as unknown, key),
    0,
  );
}

describe('sumOf', () => {
  test('adds up the integers of a key at every depth', () => {
    const tree = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.dictionary(
        fc.constantFrom('', 'a', 'length', '6:lengthi9e'),
        fc.oneof({ maxDepth: 4 }, fc.nat(1000), fc.constantFrom('length', 'x'), tie('tree')),
        { noNullPrototype: true, maxKeys: 4 },
      ),
    })).tree;
    fc.assert(
      fc.property(tree, (plain) => {
        expect(runSteps(sumOf(bencoded(plain), 'length'))).toBe(sumIn(plain, 'length'));
      }),
    );
  });

  test('has no sum of what is cut off', () => {
    const whole = bencoded({ a: { length: 5 } });
    for (let length = 0; length < whole.length; length++)
      expect(runSteps(sumOf(whole.subarray(0, length), 'length'))).toBeUndefined();
  });
});
