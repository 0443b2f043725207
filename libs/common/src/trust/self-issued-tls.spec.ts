import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createAuthority } from './authority.js';
import { writeCa } from './ca-folder.js';
import { CaSource } from './ca-source.js';
import { rotateCa } from './rotation.js';
import { SelfIssuedTls } from './self-issued-tls.js';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

let folder: string;
const start = Date.now();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enjambre-ca-'));
  await writeCa(folder, await createAuthority('prod', { now: start, ttlMs: YEAR_MS }));
});

afterEach(() => rm(folder, { recursive: true }));

test('a program with the CA renews its certificate at two thirds of its lifetime', async () => {
  let now = start;
  const ca = await CaSource.open(folder);
  const tls = await SelfIssuedTls.create({ ca, role: 'tracker', clock: () => now });
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

test('it follows the rotation of the CA in three steps', async () => {
  const tls = await SelfIssuedTls.create({ ca: await CaSource.open(folder), role: 'tracker' });
  const old = tls.current.root.fingerprint256;
  const roots = (): string[] => tls.current.authorities.map(({ fingerprint256 }) => fingerprint256);
  const step = async (at: number): Promise<string> => {
    const done = await rotateCa(folder, { now: start + at, ttlMs: YEAR_MS });
    expect(await tls.review()).toBe(true);
    return done;
  };
  expect(await step(1)).toBe('added');
  expect(roots()).toEqual([old, expect.any(String)]);
  expect(tls.current.root.fingerprint256).toBe(old);
  expect(await step(2)).toBe('issuing');
  const [issuing = '', other] = roots();
  expect([issuing === old, other]).toEqual([false, old]);
  expect(tls.current.root.fingerprint256).toBe(issuing);
  expect(await step(3)).toBe('finished');
  expect(roots()).toEqual([issuing]);
  const { fingerprint256 } = new X509Certificate(await readFile(join(folder, 'ca.crt')));
  expect(fingerprint256).toBe(issuing);
  expect(await step(4)).toBe('added');
});
