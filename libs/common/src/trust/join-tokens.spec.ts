import { beforeAll, describe, expect, test } from '@jest/globals';
import { joinToken, readJoinToken, signedPart } from '@enjambre/core/trust/join-token';
import { createAuthority, type Credential } from './authority.js';
import { checkToken, issueToken } from './join-tokens.js';
import { certificateHash } from './signed-by-ca.js';

const now = Date.now();
const terms = { network: 'prod', role: 'agent', names: ['web-*'], uses: 2, expiresAt: now + 60_000 } as const;

let ca: Credential;
let token: string;

beforeAll(async () => {
  ca = await createAuthority('prod', { now, ttlMs: 3_600_000 });
  token = issueToken(ca, terms);
});

describe('a join token', () => {
  test('says what the CA has allowed, and which CA that is', () => {
    expect(checkToken(token, ca.cert, now)).toMatchObject({ ...terms, ca: certificateHash(ca.cert) });
    expect(readJoinToken(issueToken(ca, terms)).terms.id).not.toBe(readJoinToken(token).terms.id);
  });

  test('is refused after its time', () => {
    expect(() => checkToken(token, ca.cert, now + 90_000)).toThrow(
      'the join token expired 30s ago: ask for a new one',
    );
  });

  test('of another CA is refused, also if it names this one', async () => {
    const other = await createAuthority('prod', { now, ttlMs: 3_600_000 });
    expect(() => checkToken(issueToken(other, terms), ca.cert, now)).toThrow('of another CA');
    const forged = issueToken({ cert: ca.cert, key: other.key }, terms);
    expect(() => checkToken(forged, ca.cert, now)).toThrow('of another CA');
  });

  test('with other terms than the CA has signed is refused', () => {
    const { terms: known, signature } = readJoinToken(token);
    const wider = joinToken(signedPart({ ...known, role: 'operator' }), signature);
    expect(() => checkToken(wider, ca.cert, now)).toThrow('of another CA');
  });
});
