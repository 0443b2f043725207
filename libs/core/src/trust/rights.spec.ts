import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { identityUris, parseIdentity, type CertifiedIdentity } from './certified-identity.js';
import { hasRight, parsePermission, permissionText, RIGHTS, type Permission } from './rights.js';

const permissions: fc.Arbitrary<Permission> = fc
  .record({
    right: fc.constantFrom(...RIGHTS),
    pattern: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
  })
  .map((each) => (each.right === 'operate' ? { ...each, pattern: '*' } : each));
const holder = (...may: string[]) => ({ may: may.map(parsePermission) });
const identity: CertifiedIdentity = { network: 'net', role: 'agent', peerId: undefined, names: [] };

describe('a permission', () => {
  test('is the same after writing and reading, as text and in a certificate', () => {
    fc.assert(
      fc.property(fc.array(permissions, { maxLength: 5 }), (may) => {
        expect(may.map(permissionText).map(parsePermission)).toEqual(may);
        const limited = { ...identity, may };
        expect(parseIdentity(identityUris(limited))).toEqual(limited);
      }),
    );
  });

  test.each(['', 'get:', 'operate:web-*', 'read:x', 'GET:x', ':x', `get:${'a'.repeat(201)}`, 'constructor'])(
    'is not read from "%s"',
    (text) => {
      expect(() => parsePermission(text)).toThrow(
        'is no permission: write share, get, send, events, operate',
      );
    },
  );
});

describe('the holder of a certificate', () => {
  test('has all rights if it names none, as everybody has without TLS', () => {
    expect(hasRight(undefined, 'share', 'x')).toBe(true);
    expect(hasRight({}, 'share', 'x')).toBe(true);
    expect(hasRight({ may: [] }, 'share', 'x')).toBe(false);
  });

  test('has the rights that it names, for the names that match', () => {
    const bob = holder('get:llama-*', 'get:exact', 'share:mine-*', 'events');
    const may = (right: (typeof RIGHTS)[number], name?: string): boolean => hasRight(bob, right, name);
    expect([
      may('get', 'llama-7b'),
      may('get', 'exact'),
      may('get', 'exactly'),
      may('get', 'Llama-7b'),
    ]).toEqual([...[true, true, false, false]]);
    expect([may('share', 'llama-7b'), may('share', 'mine-1'), may('send', 'llama-7b')]).toEqual([
      false,
      true,
      false,
    ]);
    expect([may('events'), may('events', 'x'), may('get')]).toEqual([true, true, false]);
  });

  test('has no rights if a later version gave it others only, and keeps none when they are written again', () => {
    const uris = ['spiffe://net/role/agent', 'spiffe://net/may/delete/*'];
    const read = parseIdentity(uris);
    expect(read.may).toEqual([]);
    expect(hasRight(parseIdentity(identityUris(read)), 'get', 'x')).toBe(false);
  });
});
