import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultOf } from '../test/fault-of.js';
import { dict } from '../test/torrents.js';
import { decodeBencode, encodeBencode } from './bencode.js';
import { BencodeDict, type BencodeValue } from './bencode-value.js';

const latin1 = fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

const { value: anyValue } = fc.letrec<{ value: BencodeValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.maxSafeInteger(),
    fc.bigInt({ min: BigInt(Number.MAX_SAFE_INTEGER) + 1n, max: 10n ** 19n - 1n }),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(latin1, tie('value'), { maxKeys: 5 }).map(dict),
  ),
}));

/** A value with dictionaries as arrays of entries, which Jest can compare. */
function plain(value: BencodeValue): unknown {
  if (value instanceof BencodeDict) return { dict: [...value].map(([key, held]) => [key, plain(held)]) };
  if (Buffer.isBuffer(value)) return value.toString('hex');
  return typeof value === 'object' ? value.map(plain) : value;
}

function decodeText(text: string): BencodeValue {
  return decodeBencode(Buffer.from(text, 'latin1'));
}

describe('bencode', () => {
  test('decodes to what was encoded, and encodes to what was decoded', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        const bytes = encodeBencode(value);
        const decoded = decodeBencode(bytes);
        expect(plain(decoded)).toEqual(plain(value));
        expect(encodeBencode(decoded).equals(bytes)).toBe(true);
      }),
    );
  });

  test('accepts only the canonical encoding of a value', () => {
    const edit = fc.record({ at: fc.nat(), remove: fc.nat(3), add: fc.uint8Array({ maxLength: 3 }) });
    fc.assert(
      fc.property(anyValue, fc.array(edit, { minLength: 1, maxLength: 3 }), (value, edits) => {
        let bytes = encodeBencode(value);
        for (const { at, remove, add } of edits) {
          const start = at % (bytes.length + 1);
          bytes = Buffer.concat([bytes.subarray(0, start), add, bytes.subarray(start + remove)]);
        }
        let decoded: BencodeValue;
        try {
          decoded = decodeBencode(bytes);
        } catch {
          expect(faultOf(() => decodeBencode(bytes))).toMatchObject({
            code: 'invalid',
            reason: 'BAD_BENCODE',
          });
          return;
        }
        expect(encodeBencode(decoded).equals(bytes)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  test('refuses random bytes with an EnjambreError', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('d', 'l', 'e', 'i', '0', '1', '2', '9', ':', '-', 'a')),
        (characters) => {
          try {
            decodeText(characters.join(''));
          } catch {
            expect(faultOf(() => decodeText(characters.join(''))).reason).toBe('BAD_BENCODE');
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['', 'cut off at byte 0'],
    ['x', 'cannot begin a value at byte 0'],
    ['e', 'cannot begin a value at byte 0'],
    ['i1', 'an integer without an end at byte 2'],
    ['ie', 'an integer without digits at byte 1'],
    ['i', 'an integer without digits at byte 1'],
    ['i-e', 'without digits at byte 2'],
    ['i+1e', 'without digits at byte 1'],
    ['i1.5e', 'without an end at byte 2'],
    ['i-0e', 'a negative zero at byte 0'],
    ['i01e', 'a leading zero at byte 1'],
    ['i-01e', 'a leading zero at byte 2'],
    ['i12345678901234567890e', 'more than 19 digits at byte 1'],
    ['3:ab', 'a byte string is cut off at byte 0'],
    ['3', 'without a colon at byte 1'],
    ['03:abc', 'a leading zero at byte 0'],
    ['999999999:a', 'more than 8 digits at byte 0'],
    ['-1:a', 'cannot begin a value at byte 0'],
    ['l', 'cut off at byte 1'],
    ['li1e', 'cut off at byte 4'],
    ['d1:a', 'cut off at byte 4'],
    ['d1:ae', 'a key without a value at byte 4'],
    ['di1ei2ee', 'a key that is not a byte string at byte 1'],
    ['d1:bi1e1:ai2ee', 'a key out of order at byte 7'],
    ['d2:aai1e1:bi2e1:ai3ee', 'a key out of order at byte 14'],
    ['d1:ai1e1:ai2ee', 'a duplicate key at byte 7'],
    ['i1ei2e', 'after the end of the value at byte 3'],
    ['le\n', 'after the end of the value at byte 2'],
  ])('refuses %j: %s', (text, fault) => {
    const error = faultOf(() => decodeText(text));
    expect(error).toMatchObject({ code: 'invalid', reason: 'BAD_BENCODE' });
    expect(error.message).toContain(fault);
  });

  test('orders keys by bytes, a prefix first', () => {
    expect(encodeBencode(dict({ '\xff': 1, b: 2, a: 3, aa: 4, '': 5 })).toString('latin1')).toBe(
      'd0:i5e1:ai3e2:aai4e1:bi2e1:\xffi1ee',
    );
  });

  test('keeps the original bytes of each entry', () => {
    const decoded = decodeText('d1:ad1:xli1eee1:bi-7ee') as BencodeDict;
    expect(decoded.raw('a').toString()).toBe('d1:xli1eee');
    expect(decoded.raw('b').toString()).toBe('i-7e');
    expect((decoded.get('a') as BencodeDict).raw('x').toString()).toBe('li1ee');
    expect(() => decoded.raw('c')).toThrow(RangeError);
    expect(() => dict({ a: 1 }).raw('a')).toThrow(RangeError);
  });

  test('finds every key of a dictionary and no other', () => {
    const big = dict(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, i])));
    expect(Array.from({ length: 100 }, (_, i) => big.get(`k${i}`))).toEqual(
      Array.from({ length: 100 }, (_, i) => i),
    );
    expect([big.get(''), big.get('k'), big.get('k500'), big.get('z')]).toEqual(Array(4).fill(undefined));
  });

  test('returns views of a part of a larger buffer', () => {
    const memory = Buffer.from('??3:abc??');
    const value = decodeBencode(new Uint8Array(memory.buffer, memory.byteOffset + 2, 5)) as Buffer;
    expect(value.toString()).toBe('abc');
    expect(value.buffer).toBe(memory.buffer);
  });

  test('returns safe integers as numbers and longer ones as bigints', () => {
    expect(decodeText('i9007199254740991e')).toBe(9007199254740991);
    expect(decodeText('i9007199254740992e')).toBe(9007199254740992n);
    expect(decodeText('i-9223372036854775808e')).toBe(-9223372036854775808n);
  });

  test('accepts 100 levels and refuses 101', () => {
    const nested = (depth: number) => 'l'.repeat(depth) + 'e'.repeat(depth);
    expect(encodeBencode(decodeText(nested(100))).toString()).toBe(nested(100));
    expect(faultOf(() => decodeText(nested(101))).message).toContain('more than 100 levels at byte 100');
    let value: BencodeValue = [];
    for (let i = 0; i < 100; i += 1) value = [value];
    expect(() => encodeBencode(value)).toThrow(RangeError);
  });

  test.each([NaN, Infinity, 0.5, 2 ** 53, 10n ** 19n, -(10n ** 19n)])('cannot encode %d', (value) => {
    expect(() => encodeBencode(value)).toThrow(RangeError);
  });

  test('cannot have a key that is not bytes', () => {
    expect(() => dict({ 日本: 1 })).toThrow(RangeError);
  });

  test('refuses more than 64 MiB without reading it', () => {
    const most = 64 * 1024 * 1024;
    expect(
      (decodeBencode(Buffer.concat([Buffer.from(`${most - 9}:`), Buffer.alloc(most - 9)])) as Buffer).length,
    ).toBe(most - 9);
    expect(faultOf(() => decodeBencode(Buffer.alloc(most + 1))).message).toContain('more than 64 MiB');
  });

  test.each([
    ['open lists', 'l'],
    ['empty lists', 'le'],
    ['digits', '1'],
    ['open dictionaries', 'd0:'],
    ['empty strings', '0:'],
  ])('refuses 64 MiB of %s at once', (_, unit) => {
    const hostile = Buffer.alloc(64 * 1024 * 1024, unit);
    hostile[0] = 'l'.charCodeAt(0);
    const start = performance.now();
    expect(faultOf(() => decodeBencode(hostile)).reason).toBe('BAD_BENCODE');
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test('accepts two million values, and refuses more', () => {
    expect(decodeText(`l${'le'.repeat(1_999_999)}e`)).toHaveLength(1_999_999);
    expect(faultOf(() => decodeText(`l${'le'.repeat(2_000_001)}e`)).message).toContain(
      'more than two million values',
    );
  });
});
