import { expect, test } from '@jest/globals';
import { withUse, type TokenUses } from './token-uses.js';

const token = { id: 'a', uses: 2, expiresAt: 100 };

test('a token is good for as many certificates as it says', () => {
  let uses: TokenUses | undefined = new Map();
  for (const count of [1, 2]) {
    uses = withUse(uses ?? new Map(), token, 0);
    expect(uses?.get('a')).toEqual({ uses: count, expiresAt: 100 });
  }
  expect(withUse(uses ?? new Map(), token, 0)).toBeUndefined();
});

test('each token is counted by itself, and forgotten when it has expired', () => {
  const first = withUse(new Map(), token, 0) ?? new Map();
  const other = { id: 'b', uses: 1, expiresAt: 200 };
  expect([...(withUse(first, other, 50) ?? [])].map(([id]) => id)).toEqual(['a', 'b']);
  expect([...(withUse(first, other, 150) ?? [])].map(([id]) => id)).toEqual(['b']);
});
