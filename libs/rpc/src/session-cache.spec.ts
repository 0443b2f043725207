import { X509Certificate } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { TestNetwork } from '@enjambre/harness/trust';
import { SessionCache } from './session-cache.js';

const network = await TestNetwork.create();
const certificate = new X509Certificate((await network.member()).cert);
const END = Date.parse(certificate.validTo);

const session = (text: string) => ({ ticket: Buffer.from(text), certificate });

test('a session is resumed once, the newest one', () => {
  const cache = new SessionCache();
  cache.put('a', session('1'));
  cache.put('a', session('2'));
  expect(cache.take('a', 0)).toEqual(session('2'));
  expect(cache.take('a', 0)).toBeUndefined();
});

test('a session is not resumed once the certificate of its server has expired', () => {
  const cache = new SessionCache();
  cache.put('a', session('1'));
  expect(cache.take('a', END)).toBeUndefined();
});

test('the least recent of a thousand is dropped, and all when the certificates change', () => {
  const cache = new SessionCache();
  for (let server = 0; server <= 1000; server++) cache.put(String(server), session('1'));
  expect(cache.take('0', 0)).toBeUndefined();
  expect(cache.take('1', 0)).toBeDefined();
  cache.clear();
  expect(cache.take('1000', 0)).toBeUndefined();
});
