import { expect, test } from '@jest/globals';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { parsePermission } from '@enjambre/core/trust/rights';
import type { Directory } from '../domain/directory.js';
import type { Offer, Report } from '../domain/swarm-registry.js';
import type { Session } from '../domain/swarm.js';
import { MemberRights } from './member-rights.js';

const infohash = 'a'.repeat(64) as InfoHash;
const peer = { id: 'e'.repeat(64) as PeerId, name: 'eve' };
const session = { peer } as unknown as Session;
const publication = {
  publisher: { id: 'b'.repeat(64) as PeerId, name: 'bob' },
  ...{ name: 'llama', infohash, version: 1, at: 1, signed: '', verify: () => true },
};

/** Offers `llama` with the right to get everything. @param shared names under which others share it */
function offer(publications: Offer['publications'], ...shared: string[]): () => Offer {
  const claims = shared.map((name) => ({ file: { name } }));
  const directory = { claims: () => claims } as unknown as Pick<Directory, 'claims'>;
  const rights = new MemberRights({ may: [parsePermission('get')] }, directory);
  const made = { infohash, file: { name: 'llama' }, publications } as Offer;
  return () => rights.sharing(made, session);
}

test('who may get a file may offer it again if another shares it or has signed that it did', () => {
  expect(offer([], 'llama')).not.toThrow();
  expect(offer([publication])).not.toThrow();
});

test.each<[string, Partial<typeof publication>]>([
  ['of another file', { infohash: 'c'.repeat(64) as InfoHash }],
  ['of another name', { name: 'payroll' }],
  ['that its publisher has not signed', { verify: () => false }],
  ['of its own', { publisher: peer }],
])('a publication %s does not give the right to share', (_, change) => {
  expect(offer([{ ...publication, ...change }])).toThrow('does not allow you to share "llama"');
});

test('that others share the content under another name does not give the right to share', () => {
  expect(offer([], 'payroll')).toThrow('does not allow you to share "llama"');
});

test('a report lists no file that the peer may not offer', () => {
  const report = { infohash, file: { name: 'llama' }, leftBytes: 0, publications: [] } as unknown as Report;
  const announce = (claims: readonly string[], ...may: string[]): Report => {
    const directory = { claims: () => claims.map((name) => ({ file: { name } })) } as unknown as Directory;
    const holder = may.length === 0 ? {} : { may: may.map(parsePermission) };
    return new MemberRights(holder, directory).announcing(report, session);
  };
  expect(announce([])).toBe(report);
  expect(announce([], 'share:llama')).toBe(report);
  expect(announce(['llama'], 'get:llama')).toBe(report);
  expect(announce([], 'get:llama')).toMatchObject({ leftBytes: 0, file: undefined });
  expect(announce(['llama'], 'get:other').file).toBeUndefined();
});
