import { expect, test } from '@jest/globals';
import { Authority, createAuthority } from './authority.js';
import { SelfIssuedTls } from './self-issued-tls.js';

const DAY_MS = 86_400_000;

test('a program with the CA renews its certificate at two thirds of its lifetime', async () => {
  const start = Date.now();
  let now = start;
  const authority = await Authority.open(await createAuthority('prod', { now, ttlMs: 365 * DAY_MS }));
  const tls = await SelfIssuedTls.create({
    authority,
    role: 'tracker',
    revocations: '/nonexistent/revoked.json',
    clock: () => now,
  });
  const first = tls.current;
  expect(first.identity).toMatchObject({ network: 'prod', role: 'tracker' });
  let changes = 0;
  tls.onChange(() => (changes += 1));
  now = start + 4.5 * DAY_MS;
  expect(await tls.review()).toBe(false);
  now = start + 4.8 * DAY_MS;
  expect(await tls.review()).toBe(true);
  expect(await tls.review()).toBe(false);
  expect(changes).toBe(1);
  expect(tls.current.key).toBe(first.key);
  expect(tls.current.notAfter.getTime()).toBeGreaterThan(now + 6.9 * DAY_MS);
});
