import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { ROLES } from './certified-identity.js';
import { joinToken, readJoinToken, signedPart, type JoinTerms } from './join-token.js';

const digits = (count: number) => fc.stringMatching(new RegExp(`^[0-9a-f]{${count}}$`));
const allTerms: fc.Arbitrary<JoinTerms> = fc.record({
  id: digits(32),
  network: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,30}$/),
  ca: digits(64),
  role: fc.constantFrom(...ROLES),
  names: fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 5 }),
  uses: fc.integer({ min: 1, max: 10_000 }),
  expiresAt: fc.integer({ min: 1, max: 2 ** 42 }),
});
const terms: JoinTerms = {
  ...{ id: 'a'.repeat(32), network: 'net', ca: 'b'.repeat(64), role: 'agent' },
  ...{ names: [], uses: 1, expiresAt: 1 },
};

test('a token with more names than it has room for is not made', () => {
  expect(() => signedPart({ ...terms, names: Array.from({ length: 17 }, () => 'a') })).toThrow(
    'at most 16 names',
  );
});

test('a token keeps permissions, and one with a permission that is none is refused', () => {
  const may = [{ right: 'get', pattern: 'llama-*' }] as const;
  const text = (each: string): string => joinToken(each, 'c2ln');
  expect(readJoinToken(text(signedPart({ ...terms, may }))).terms).toEqual({ ...terms, may });
  const body = { ...terms, expires_at: 1, may: ['delete:*'] };
  const forged = `enj1.${Buffer.from(JSON.stringify(body)).toString('base64url')}`;
  expect(() => readJoinToken(text(forged))).toThrow('this is not a join token');
  const many = Array.from({ length: 33 }, () => may[0]);
  expect(() => signedPart({ ...terms, may: many })).toThrow('at most 32 permissions');
});

describe('a join token', () => {
  it('is the same after writing and reading', () => {
    fc.assert(
      fc.property(allTerms, (each) => {
        const signed = signedPart(each);
        const text = joinToken(signed, 'c2lnbmF0dXJl');
        expect(readJoinToken(` ${text}\n`)).toEqual({ terms: each, signed, signature: 'c2lnbmF0dXJl' });
        expect(text).toMatch(/^[\w.-]+$/);
        const longer = joinToken(signed, 'c2ln', 'Y2VydA');
        expect(readJoinToken(longer)).toMatchObject({ signature: 'c2ln', signer: 'Y2VydA' });
      }),
    );
  });

  const encode = (value: unknown): string =>
    `enj1.${Buffer.from(JSON.stringify(value)).toString('base64url')}.c2ln`;
  const plain = { ...terms, expires_at: 1 };
  test.each([
    ['nothing', ''],
    ['a word', 'token'],
    ['no signature', signedPart(terms)],
    ['another prefix', `enj2.${signedPart(terms).slice(5)}.c2ln`],
    ['an empty signer', `${signedPart(terms)}.c2ln.`],
    ['a fifth part', `${signedPart(terms)}.c2ln.x.y`],
    ['no JSON', 'enj1.e30x.c2ln'],
    ['null', encode(null)],
    ['no id', encode({ ...plain, id: undefined })],
    ['an unknown role', encode({ ...plain, role: 'root' })],
    ['no uses', encode({ ...plain, uses: 0 })],
    ['half a use', encode({ ...plain, uses: 0.5 })],
    ['names that are none', encode({ ...plain, names: [1] })],
    ['too many names', encode({ ...plain, names: Array.from({ length: 17 }, () => 'a') })],
    ['more than 4096 characters', `${signedPart({ ...terms, names: ['a'.repeat(4096)] })}.c2ln`],
  ])('is not read from %s', (_, text) => {
    expect(() => readJoinToken(text)).toThrow('this is not a join token');
  });

  it('throws only marked errors for any text', () => {
    const text = fc.oneof(fc.string(), fc.jsonValue().map(encode));
    fc.assert(
      fc.property(text, (each) => {
        try {
          readJoinToken(each);
        } catch (error) {
          expect(error).toMatchObject({ name: 'EnjambreError' });
        }
      }),
    );
  });
});
