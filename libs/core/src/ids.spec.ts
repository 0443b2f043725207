import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { faultOf } from '../test/fault-of.js';
import {
  infoHashFromBytes,
  infoHashToBytes,
  parseInfoHash,
  parsePeerId,
  peerIdFromBytes,
  peerIdToBytes,
  shortId,
} from './ids.js';

const kinds = [
  {
    kind: 'infohash',
    parse: parseInfoHash,
    from: infoHashFromBytes,
    to: infoHashToBytes,
    reason: 'INVALID_INFOHASH',
  },
  {
    kind: 'peer id',
    parse: parsePeerId,
    from: peerIdFromBytes,
    to: peerIdToBytes,
    reason: 'INVALID_PEER_ID',
  },
] as const;

describe.each(kinds)('the $kind', ({ parse, from, to, reason }) => {
  test('goes from bytes to text and back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const id = from(bytes);
        expect(id).toMatch(/^[0-9a-f]{64}$/);
        expect((to as (id: string) => Buffer)(id).equals(bytes)).toBe(true);
        expect(parse(id.toUpperCase())).toBe(id);
      }),
    );
  });

  test('is read from a part of a larger buffer', () => {
    const memory = new Uint8Array(100).fill(7);
    expect(from(memory.subarray(3, 35))).toBe('07'.repeat(32));
  });

  test.each([
    '',
    'a'.repeat(63),
    'a'.repeat(65),
    `${'a'.repeat(63)}g`,
    ` ${'a'.repeat(64)}`,
    `${'a'.repeat(64)}\n`,
  ])('is not read from %j', (text) => {
    expect(faultOf(() => parse(text))).toMatchObject({ code: 'invalid', reason });
  });

  test.each([0, 20, 31, 33])('is not made from %d bytes', (length) => {
    expect(faultOf(() => from(new Uint8Array(length)))).toMatchObject({ code: 'invalid', reason });
  });
});

test('an id is shown to people by its first eight digits', () => {
  expect(shortId(parseInfoHash('0123456789abcdef'.repeat(4)))).toBe('01234567');
});
