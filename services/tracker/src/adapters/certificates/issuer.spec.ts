import { X509Certificate } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import {
  type Authority,
  createAuthority,
  signingRequest,
  type Credential,
} from '@enjambre/common/trust/authority';
import { writeCa } from '@enjambre/common/trust/ca-folder';
import { CaSource } from '@enjambre/common/trust/ca-source';
import { issueToken } from '@enjambre/common/trust/join-tokens';
import { identityOf } from '@enjambre/common/trust/tls-material';
import { readIssued } from '@enjambre/common/trust/issued-log';
import type { PeerId } from '@enjambre/core/ids';
import type { JoinTerms } from '@enjambre/core/trust/join-token';
import { Issuer } from './issuer.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const start = Date.now();

let ca: Credential;
let authority: Authority;
let folder: string;
let now: number;
let issuer: Issuer;
let revoked: PeerId | undefined;

const revocations = {
  revokedAt: (_: object, peer: PeerId | undefined) =>
    peer !== undefined && peer === revoked ? new Date(start) : undefined,
};

beforeAll(async () => {
  ca = await createAuthority('prod', { now: start, ttlMs: 30 * DAY_MS });
});

beforeEach(async () => {
  now = start;
  revoked = undefined;
  folder = await mkdtemp(join(tmpdir(), 'enjambre-issuer-'));
  await writeCa(folder, ca);
  const source = await CaSource.open(folder);
  authority = source.current;
  issuer = new Issuer(source, { revocations, clock: () => now });
});

afterEach(() => rm(folder, { recursive: true }));

function token(terms: Partial<JoinTerms> = {}): string {
  return issueToken(ca, {
    network: 'prod',
    role: 'agent',
    names: [],
    uses: 1,
    expiresAt: start + HOUR_MS,
    ...terms,
  });
}

const requestOf = (peer: PeerIdentity): Promise<string> => signingRequest(peer.toPem());

describe('a CA that is online', () => {
  test('issues a certificate of seven days for the key of the request, with the terms of the token', async () => {
    const peer = PeerIdentity.generate();
    const { certificate, authorities } = await issuer.join(
      token({ names: ['w*'] }),
      await requestOf(peer),
      'w1',
    );
    const issued = new X509Certificate(certificate);
    expect(authorities).toBe(ca.cert);
    expect(issued.verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
    expect(identityOf(issued)).toEqual({
      network: 'prod',
      role: 'agent',
      peerId: peer.peerId,
      names: ['w*'],
      renewable: true,
    });
    expect(Date.parse(issued.validTo) - start).toBeCloseTo(7 * DAY_MS, -4);
  });

  test('lets at most as many join as a token allows, even at once and after a restart', async () => {
    const said = token({ uses: 3 });
    const joinOne = async (): Promise<boolean> =>
      issuer.join(said, await requestOf(PeerIdentity.generate()), 'any').then(
        () => true,
        (error: unknown) => {
          expect(error).toMatchObject({
            code: 'denied',
            reason: 'JOIN_TOKEN_REFUSED',
            message: 'the join token was used 3 times already: ask for a new one',
          });
          return false;
        },
      );
    const joined = await Promise.all(Array.from({ length: 8 }, joinOne));
    expect(joined.filter(Boolean)).toHaveLength(3);
    issuer = new Issuer(await CaSource.open(folder), { revocations, clock: () => now });
    expect(await joinOne()).toBe(false);
    expect((await stat(join(folder, 'used-tokens.json'))).mode & 0o777).toBe(0o600);
  });

  test('does not count what it refuses', async () => {
    const said = token({ names: ['w*'] });
    const request = await requestOf(PeerIdentity.generate());
    await expect(issuer.join(said, request, 'x')).rejects.toMatchObject({ reason: 'WRONG_CERTIFICATE' });
    await expect(issuer.join(said, 'nothing', 'w1')).rejects.toMatchObject({ reason: 'BAD_SIGNING_REQUEST' });
    await expect(issuer.join(said, 'x'.repeat(1_000_000), 'w1')).rejects.toMatchObject({
      reason: 'BAD_SIGNING_REQUEST',
    });
    await issuer.join(said, request, 'w1');
    // The same key, whose answer may have been lost.
    await issuer.join(said, request, 'w1');
    const other = await requestOf(PeerIdentity.generate());
    await expect(issuer.join(said, other, 'w1')).rejects.toThrow('was used already: ask for a new one');
    await expect(issuer.join(token({ role: 'operator' }), other, 'w1')).rejects.toThrow(
      'nobody joins with the role operator',
    );
    now += HOUR_MS;
    await expect(issuer.join(token(), request, 'w1')).rejects.toMatchObject({ reason: 'JOIN_TOKEN_REFUSED' });
    await expect(issuer.join('x', request, 'w1')).rejects.toMatchObject({ reason: 'BAD_JOIN_TOKEN' });
  });

  test('issues nothing while it cannot record a use', async () => {
    await writeFile(join(folder, 'used-tokens.json'), 'half');
    const request = await requestOf(PeerIdentity.generate());
    await expect(issuer.join(token(), request, 'w1')).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'CA_UNAVAILABLE',
    });
    expect(await readFile(join(folder, 'used-tokens.json'), 'utf8')).toBe('half');
    await chmod(join(folder, 'used-tokens.json'), 0o600);
  });

  test('renews for the same key only', async () => {
    const peer = PeerIdentity.generate();
    const { certificate } = await issuer.join(token({ names: ['w*'] }), await requestOf(peer), 'w1');
    const current = new X509Certificate(certificate);
    now += 5 * DAY_MS;
    const next = new X509Certificate(
      (await issuer.renew(await requestOf(peer), identityOf(current), current)).certificate,
    );
    expect(identityOf(next)).toEqual(identityOf(current));
    expect(Date.parse(next.validTo) - now).toBeCloseTo(7 * DAY_MS, -4);
    const other = await requestOf(PeerIdentity.generate());
    await expect(issuer.renew(other, identityOf(current), current)).rejects.toThrow('is for another key');
    now += 3 * DAY_MS;
    await expect(issuer.renew(await requestOf(peer), identityOf(current), current)).rejects.toMatchObject({
      reason: 'NO_CERTIFICATE',
    });
  });

  test('issues nothing for a key that was revoked', async () => {
    const peer = PeerIdentity.generate();
    revoked = peer.peerId;
    await expect(issuer.join(token(), await requestOf(peer), 'w1')).rejects.toMatchObject({
      code: 'denied',
      reason: 'CERTIFICATE_REVOKED',
      message: expect.stringContaining('join with a new key'),
    });
    expect(await readIssued(folder, now)).toEqual([]);
  });

  test('keeps what it has issued, under the name that the holder said, until it expires', async () => {
    const peer = PeerIdentity.generate();
    const { certificate } = await issuer.join(token({ names: ['w*'] }), await requestOf(peer), 'w1');
    const record = { role: 'agent', peer: peer.peerId, names: ['w1'] };
    expect(await readIssued(folder, now)).toEqual([expect.objectContaining(record)]);
    expect(await readIssued(folder, Date.parse(new X509Certificate(certificate).validTo))).toEqual([]);
  });

  test('gives the rights of the token, also when it renews', async () => {
    const peer = PeerIdentity.generate();
    const may = [{ right: 'get', pattern: 'llama-*' }] as const;
    const first = new X509Certificate(
      (await issuer.join(token({ may }), await requestOf(peer), 'w1')).certificate,
    );
    expect(identityOf(first).may).toEqual(may);
    const next = await issuer.renew(await requestOf(peer), identityOf(first), first);
    expect(identityOf(new X509Certificate(next.certificate)).may).toEqual(may);
  });

  test('does not renew what it has not issued for a token', async () => {
    const peer = PeerIdentity.generate();
    const about = { role: 'agent', names: [], peerId: undefined } as const;
    const pem = await authority.issue(peer.publicPem(), about, { now, ttlMs: 60_000 });
    const short = new X509Certificate(pem);
    await expect(issuer.renew(await requestOf(peer), identityOf(short), short)).rejects.toMatchObject({
      code: 'denied',
      reason: 'NOT_RENEWABLE',
    });
  });
});
