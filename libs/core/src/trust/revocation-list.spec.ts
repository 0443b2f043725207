import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { parsePeerId } from '../ids.js';
import {
  MAX_REVOCATIONS,
  normalSerial,
  readRevocationList,
  revocationText,
  withRevocations,
  type Revocation,
} from './revocation-list.js';
import { readSignedTexts, writeSignedTexts } from './signed-text.js';

const hex = (digits: number): fc.Arbitrary<string> => fc.stringMatching(new RegExp(`^[0-9a-f]{${digits}}$`));
const times = { revokedAt: fc.nat(2 ** 42), expiresAt: fc.nat(2 ** 42) };
const revocations: fc.Arbitrary<Revocation> = fc.oneof(
  fc.record({ peer: hex(64).map(parsePeerId), ...times }),
  fc.record({ serial: hex(32).map(normalSerial), ...times }),
);
const lists = fc.record({
  network: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,30}$/),
  number: fc.integer({ min: 1 }),
  revocations: fc.array(revocations, { maxLength: 5 }),
});
const [ONE, OTHER] = ['ab', 'cd'].map((digits) => parsePeerId(digits.repeat(32)));
const entry = (peer = ONE, expiresAt = 100, revokedAt = 1): Revocation =>
  ({ peer, revokedAt, expiresAt }) as Revocation;

describe('a list of revoked certificates', () => {
  it('is the same after writing and reading', () => {
    fc.assert(
      fc.property(lists, (list) => {
        expect(readRevocationList(revocationText(list))).toEqual(list);
      }),
    );
  });

  it('throws only marked errors for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const read of [readRevocationList, readSignedTexts])
          try {
            read(text);
          } catch (error) {
            expect(error).toMatchObject({ name: 'EnjambreError' });
          }
      }),
    );
  });

  it('grows with a higher number, and loses what has expired', () => {
    const list = { network: 'net', number: 7, revocations: [entry(ONE, 10)] };
    const next = withRevocations(list, [entry(OTHER)], 50);
    expect(next.revocations).toEqual([entry(OTHER)]);
    expect(next.number).toBe(50);
    expect(withRevocations(next, [], 40).number).toBe(51);
  });

  it('keeps the time of the first revocation, and the latest expiry', () => {
    const list = { network: 'net', number: 1, revocations: [entry(ONE, 10)] };
    expect(withRevocations(list, [entry(ONE, 20, 9)], 5).revocations).toEqual([entry(ONE, 20)]);
  });

  it('is bounded', () => {
    const serials = Array.from({ length: MAX_REVOCATIONS + 1 }, (_, at) => at.toString(16));
    const many = serials.map((serial): Revocation => ({ serial, revokedAt: 1, expiresAt: 9 }));
    const list = { network: 'net', number: 1, revocations: many };
    expect(() => revocationText(list)).toThrow('a CA revokes at most 5000 certificates at a time');
  });
});

test('signed texts are the same after writing and reading', () => {
  const texts = fc.array(fc.record({ signed: fc.string(), signature: fc.string(), signer: fc.string() }), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(texts, (each) => {
      expect(readSignedTexts(writeSignedTexts(each))).toEqual(each);
    }),
  );
});

test('a serial number has one form', () => {
  for (const text of ['0A:BC', '0abc', 'ABC', 'abc']) expect(normalSerial(text)).toBe('abc');
  expect(normalSerial('00')).toBe('0');
});
