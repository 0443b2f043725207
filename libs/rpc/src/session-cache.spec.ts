import { expect, test } from '@jest/globals';
import { SessionCache } from './session-cache.js';

test('a session is resumed once', () => {
  const cache = new SessionCache();
  cache.put('a', Buffer.from('1'));
  cache.put('a', Buffer.from('2'));
  expect(cache.take('a')).toEqual(Buffer.from('2'));
  expect(cache.take('a')).toBeUndefined();
});

test('the least recent of a thousand is dropped, and all when the certificates change', () => {
  const cache = new SessionCache();
  for (let server = 0; server <= 1000; server++) cache.put(String(server), Buffer.from([1]));
  expect(cache.take('0')).toBeUndefined();
  expect(cache.take('1')).toBeDefined();
  cache.clear();
  expect(cache.take('1000')).toBeUndefined();
});
