import { describe, expect, test } from '@jest/globals';
import { parseInfoHash } from '@enjambre/core/ids';
import fc from 'fast-check';
import { PeerIdentity } from './identity.js';
import {
  MAX_PUBLICATION_BYTES,
  MAX_VERSION_NUMBER,
  parsePublication,
  signPublication,
  type PublicationFacts,
} from './publication-record.js';

const identity = PeerIdentity.generate();
const facts: PublicationFacts = {
  infohash: parseInfoHash('ab'.repeat(32)),
  name: 'model.bin',
  version: 3,
  at: Date.UTC(2026, 10, 30),
  publisherName: 'alice',
};

const named = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom('a', 'B', '7', 'ñ', '世'), minLength: 1, maxLength });

const anyFacts = fc.record({
  infohash: fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((its) => parseInfoHash(Buffer.from(its).toString('hex'))),
  name: named(80),
  version: fc.integer({ min: 1, max: MAX_VERSION_NUMBER }),
  at: fc.integer({ min: 0, max: Date.UTC(9999, 0) }),
  publisherName: named(64),
});

describe('a signed publication', () => {
  test('says what was signed, and who signed it', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const bytes = signPublication(identity, facts);
        expect(bytes.length).toBeLessThanOrEqual(MAX_PUBLICATION_BYTES);
        const { verify, publisherId, ...read } = parsePublication(bytes);
        expect(read).toEqual(facts);
        expect(publisherId).toBe(identity.peerId);
        expect(verify()).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  test('is refused, or not verified, if a byte of it differs', () => {
    const bytes = signPublication(identity, facts);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const isTaken = (): boolean => {
        try {
          return parsePublication(changed).verify();
        } catch {
          return false;
        }
      };
      expect([at, isTaken()]).toEqual([at, false]);
    }
  });

  test('of another key does not pass for its own', () => {
    const bytes = signPublication(identity, facts);
    const other = PeerIdentity.generate();
    bytes.set(other.publicKey, 1);
    expect(parsePublication(bytes)).toMatchObject({ publisherId: other.peerId });
    expect(parsePublication(bytes).verify()).toBe(false);
  });

  test.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['longer', (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(1)])],
    ['empty', () => Buffer.alloc(0)],
    ['of another format', (bytes: Buffer) => Buffer.concat([Buffer.from([2]), bytes.subarray(1)])],
  ])('that is %s is malformed', (_, change) => {
    const changed = change(signPublication(identity, facts));
    expect(() => parsePublication(changed)).toThrow(expect.objectContaining({ reason: 'BAD_PUBLICATION' }));
  });

  test.each([
    ['a path', { name: '../x' }],
    ['version 0', { version: 0 }],
    ['a hidden character', { publisherName: 'al\u200bice' }],
    ['the mark of a second peer', { publisherName: 'alice (1a2b3c4d)' }],
    ['a time after the year 9999', { at: Date.UTC(9999, 11, 31, 23, 59, 59, 999) + 1 }],
  ])('with %s is malformed', (_, change) => {
    const bytes = signPublication(identity, { ...facts, ...change });
    expect(() => parsePublication(bytes)).toThrow(expect.objectContaining({ reason: 'BAD_PUBLICATION' }));
  });
});
