import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { joinToken, readJoinToken, signedPart } from '@enjambre/core/trust/join-token';
import { Authority, createAuthority, type Credential } from './authority.js';
import { PeerIdentity } from '../identity/identity.js';
import { checkToken, issueToken } from './join-tokens.js';
import { certificateHash } from './signed-by-ca.js';

const now = Date.now();
const terms = { network: 'prod', role: 'agent', names: ['web-*'], uses: 2, expiresAt: now + 60_000 } as const;

let ca: Credential;
let token: string;
let root: X509Certificate;

beforeAll(async () => {
  ca = await createAuthority('prod', { now, ttlMs: 3_600_000 });
  token = issueToken(ca, terms);
  root = new X509Certificate(ca.cert);
});

describe('a join token', () => {
  test('says what the CA has allowed, and which CA that is', () => {
    expect(checkToken(token, { roots: [root], now: now })).toMatchObject({
      ...terms,
      ca: certificateHash(root),
    });
    expect(readJoinToken(issueToken(ca, terms)).terms.id).not.toBe(readJoinToken(token).terms.id);
  });

  test('is refused after its time', () => {
    expect(() => checkToken(token, { roots: [root], now: now + 90_000 })).toThrow(
      'the join token expired 30s ago: ask for a new one',
    );
  });

  test('of another CA is refused, also if it names this one', async () => {
    const other = await createAuthority('prod', { now, ttlMs: 3_600_000 });
    expect(() => checkToken(issueToken(other, terms), { roots: [root], now: now })).toThrow('of another CA');
    const forged = issueToken({ cert: ca.cert, key: other.key }, terms);
    expect(() => checkToken(forged, { roots: [root], now: now })).toThrow('of another CA');
  });

  test('with other terms than the CA has signed is refused', () => {
    const { terms: known, signature } = readJoinToken(token);
    const wider = joinToken(signedPart({ ...known, role: 'operator' }), signature);
    expect(() => checkToken(wider, { roots: [root], now: now })).toThrow('of another CA');
  });

  test('of an intermediate CA names the root, and counts while that CA is not revoked', async () => {
    const authority = await Authority.open(ca);
    const intermediate = await authority.createIntermediate({ now, ttlMs: 60_000 });
    const said = issueToken(intermediate, terms);
    expect(said.length).toBeLessThan(2048);
    const proof = { roots: [root], now };
    expect(checkToken(said, proof)).toMatchObject({ ...terms, ca: certificateHash(root) });
    expect(() => checkToken(said, { ...proof, isRevoked: () => true })).toThrow('of another CA');
    expect(() => checkToken(said, { ...proof, now: now + 61_000 })).toThrow('of another CA');
    const [body, signature] = [said.split('.').slice(0, 2).join('.'), said.split('.')[2]];
    expect(() => checkToken(`${body}.${signature}`, proof)).toThrow('of another CA');
    const leaf = await authority.issue(
      PeerIdentity.generate().publicPem(),
      { role: 'agent', names: [], peerId: undefined },
      { now, ttlMs: 60_000 },
    );
    const der = new X509Certificate(leaf).raw.toString('base64url');
    expect(() => checkToken(`${body}.${signature}.${der}`, proof)).toThrow('of another CA');
  });
});
