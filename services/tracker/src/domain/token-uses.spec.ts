import { expect, test } from '@jest/globals';
import { withUse, type TokenUses } from './token-uses.js';

const token = { id: 'a', uses: 2, expiresAt: 100 };
const NONE: TokenUses = new Map();

test('a token is good for as many peers as it says, and again for each of them', () => {
  const one = withUse(NONE, token, 'alice', 0) ?? NONE;
  expect(withUse(one, token, 'alice', 0)).toBe(one);
  const two = withUse(one, token, 'bob', 0) ?? NONE;
  expect(two.get('a')).toEqual({ peers: ['alice', 'bob'], expiresAt: 100 });
  expect(withUse(two, token, 'carol', 0)).toBeUndefined();
  expect(withUse(two, token, 'alice', 0)).toBe(two);
});

test('each token is counted by itself, and forgotten when it has expired', () => {
  const first = withUse(NONE, token, 'alice', 0) ?? NONE;
  const other = { id: 'b', uses: 1, expiresAt: 200 };
  expect([...(withUse(first, other, 'alice', 50) ?? [])].map(([id]) => id)).toEqual(['a', 'b']);
  expect([...(withUse(first, other, 'alice', 150) ?? [])].map(([id]) => id)).toEqual(['b']);
});
