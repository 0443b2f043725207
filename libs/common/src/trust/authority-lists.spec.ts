import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AuthorityLists } from './authority-lists.js';
import { Authority, createAuthority, type Credential } from './authority.js';
import { caChainOf } from './ca-chain.js';
import { writeAuthorityList } from './authority-lists.js';

const validity = { now: Date.now(), ttlMs: 86_400_000 };
const rootOf = ({ cert }: Credential): X509Certificate => new X509Certificate(cert);

let folder: string;
let old: Credential;
let next: Credential;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enjambre-authorities-'));
  [old, next] = await Promise.all([createAuthority('prod', validity), createAuthority('prod', validity)]);
});

afterEach(() => rm(folder, { recursive: true }));

async function list(
  number: number,
  trusted: Credential[],
  by: Credential[],
  network = 'prod',
): Promise<string> {
  const path = join(folder, 'authorities.json');
  await writeAuthorityList(path, { network, number, certificates: trusted.map(rootOf) }, by);
  return readFile(path, 'utf8');
}

function known(...trusted: Credential[]): AuthorityLists {
  const roots = trusted.map(rootOf);
  return new AuthorityLists({ file: join(folder, 'kept.json'), network: 'prod', trusted: () => roots });
}

describe('a list of the CAs of a network', () => {
  test('counts if a CA that is trusted already has signed it', async () => {
    const text = await list(1, [old, next], [old, next]);
    for (const each of [old, next]) {
      const lists = known(each);
      expect(lists.take(text)).toBe(true);
      expect(lists.take(text)).toBe(false);
      expect(lists.certificates?.map(String)).toEqual([old, next].map(rootOf).map(String));
      expect(lists.text).toBe(text);
    }
    const stranger = await createAuthority('prod', validity);
    expect(known(stranger).take(text)).toBe(false);
    expect(known(old).take(await list(1, [old, stranger], [stranger]))).toBe(false);
  });

  test('does not replace a newer one, nor that of another network', async () => {
    const lists = known(old);
    const older = await list(1, [old], [old]);
    expect(lists.take(await list(2, [old, next], [old]))).toBe(true);
    expect(lists.take(older)).toBe(false);
    expect(lists.take(await list(3, [next], [old], 'other'))).toBe(false);
    expect(lists.certificates).toHaveLength(2);
  });

  test('is not signed by an intermediate CA', async () => {
    const intermediate = await (await Authority.open(old)).createIntermediate(validity);
    expect(caChainOf(intermediate.cert).roots.map(String)).toEqual([String(rootOf(old))]);
    expect(known(old).take(await list(1, [next], [intermediate]))).toBe(false);
  });

  test('is kept for the next start', async () => {
    const lists = known(old);
    lists.take(await list(1, [old, next], [old, next]));
    await lists.keep();
    const later = known(old);
    expect(await later.review()).toBe(true);
    expect(await later.review()).toBe(false);
    expect(later.certificates).toHaveLength(2);
  });
});
