import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import { parsePeerId } from '../ids.js';
import {
  checkHolder,
  checkNetworkName,
  identityUris,
  mayBeNamed,
  parseIdentity,
  ROLES,
  type CertifiedIdentity,
} from './certified-identity.js';

const ID = parsePeerId('ab'.repeat(32));

const identities: fc.Arbitrary<CertifiedIdentity> = fc.record({
  network: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,30}$/),
  role: fc.constantFrom(...ROLES),
  peerId: fc.constantFrom(undefined, ID),
  names: fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), { maxLength: 5 }),
});

describe('the identity in a certificate', () => {
  it('is the same after writing and reading', () => {
    fc.assert(
      fc.property(identities, (identity) => {
        expect(parseIdentity(identityUris(identity))).toEqual(identity);
      }),
    );
  });

  it('is read beside names of other kinds', () => {
    const uris = [
      'https://example.com/',
      'spiffe://net/later/x',
      ...identityUris({ network: 'net', role: 'agent', peerId: ID, names: [] }),
    ];
    expect(parseIdentity(uris)).toEqual({ network: 'net', role: 'agent', peerId: ID, names: [] });
  });

  test.each([
    ['nothing', [], 'is of no network'],
    ['another scheme', ['https://net/role/agent'], 'is of no network'],
    ['two networks', ['spiffe://net/role/agent', `spiffe://other/peer/${ID}`], 'is of several networks'],
    ['no role', [`spiffe://net/peer/${ID}`], 'needs exactly one role'],
    ['two roles', ['spiffe://net/role/agent', 'spiffe://net/role/tracker'], 'needs exactly one role'],
    ['an unknown role', ['spiffe://net/role/admin'], 'has an unknown role, "admin"'],
    ['an inherited property', ['spiffe://net/role/constructor'], 'has an unknown role'],
    ['a short peer id', ['spiffe://net/role/agent', 'spiffe://net/peer/ab'], 'is not a peer id'],
    ['an empty network', ['spiffe:///role/agent'], 'has a malformed name'],
    ['a broken escape', ['spiffe://net/role/agent', 'spiffe://net/name/%zz'], 'has a malformed name'],
    ['65 names', Array.from({ length: 65 }, () => 'spiffe://net/role/agent'), 'has more than 64 names'],
    ['a long name', [`spiffe://net/name/${'a'.repeat(2048)}`], 'more than 2048 characters'],
  ])('is not read from %s', (_, uris, why) => {
    expect(() => parseIdentity(uris)).toThrow(why);
  });

  it('throws only marked errors for any texts', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((end) => `spiffe://net/${end}`),
    );
    fc.assert(
      fc.property(fc.array(text), (uris) => {
        try {
          parseIdentity(uris);
        } catch (error) {
          expect(error).toMatchObject({ name: 'EnjambreError' });
        }
      }),
    );
  });
});

describe('the name of a network', () => {
  test.each(['prod', 'models-1.eu_west', '0'])('may be %s', (name) => {
    expect(checkNetworkName(name)).toBe(name);
  });

  test.each(['', 'Prod', '-x', 'a/b', 'a b', 'a'.repeat(256)])('may not be %j', (name) => {
    expect(() => checkNetworkName(name)).toThrow('is not the name of a network');
  });
});

describe('the holder of a certificate', () => {
  const OTHER = parsePeerId('cd'.repeat(32));
  const certified = { network: 'net', role: 'agent', peerId: ID, names: ['web-*'] } as const;

  it('may be anybody without TLS, and its own peer under an allowed name with it', () => {
    expect(() => checkHolder(undefined, { id: OTHER, name: 'x' })).not.toThrow();
    expect(() => checkHolder(certified, { id: ID, name: 'web-1' })).not.toThrow();
    expect(() =>
      checkHolder({ ...certified, peerId: undefined }, { id: OTHER, name: 'web-1' }),
    ).not.toThrow();
  });

  it('is no other peer, and has no other name', () => {
    expect(() => checkHolder(certified, { id: OTHER, name: 'web-1' })).toThrow(
      'was issued to peer abababab, not to peer cdcdcdcd',
    );
    expect(() => checkHolder(certified, { id: ID, name: 'db' })).toThrow('choose one that matches "web-*"');
  });
});

describe('the names of a certificate', () => {
  test.each([
    [[], 'any', true],
    [['web-1'], 'web-1', true],
    [['web-1'], 'web-10', false],
    [['web-*'], 'web-', true],
    [['web-*'], 'my-web-1', false],
    [['*-gpu'], 'a-gpu', true],
    [['a*b*c'], 'aXbYc', true],
    [['a*b*c'], 'aXc', false],
    [['aa*a'], 'aa', false],
    [['x', 'web-*'], 'web-7', true],
    [['*'], '', true],
    [['a.c'], 'abc', false],
  ])('%j allow %s: %s', (names, name, allowed) => {
    expect(mayBeNamed({ names }, name)).toBe(allowed);
  });

  it('match in bounded time', () => {
    expect(mayBeNamed({ names: [`${'*a'.repeat(900)}b`] }, 'a'.repeat(2000))).toBe(false);
  });
});
