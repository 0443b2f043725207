import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { PeerIdentity } from '../identity/identity.js';
import { Authority, createAuthority, requestedKey, signingRequest, type Credential } from './authority.js';
import { identityOf } from './tls-material.js';

const HOUR_MS = 3_600_000;
const validity = { now: Date.now(), ttlMs: HOUR_MS };
const peer = PeerIdentity.generate();

let credential: Credential;
let authority: Authority;

beforeAll(async () => {
  credential = await createAuthority('prod', validity);
  authority = await Authority.open(credential);
});

describe('a CA', () => {
  test('is a CA of its network, with a key of its own', () => {
    const cert = new X509Certificate(credential.cert);
    expect(cert.ca).toBe(true);
    expect(cert.subjectAltName).toBe('URI:spiffe://prod');
    expect(authority.network).toBe('prod');
  });

  test('issues certificates that it has signed, for the key and time that it was given', async () => {
    const issued = new X509Certificate(
      await authority.issue(peer.publicPem(), { role: 'agent', peerId: undefined, names: ['a*'] }, validity),
    );
    expect(issued.verify(new X509Certificate(credential.cert).publicKey)).toBe(true);
    expect(issued.ca).toBe(false);
    expect(identityOf(issued)).toEqual({
      network: 'prod',
      role: 'agent',
      peerId: peer.peerId,
      names: ['a*'],
    });
    expect(Date.parse(issued.validTo)).toBeCloseTo(validity.now + HOUR_MS, -4);
    expect(Date.parse(issued.validFrom)).toBeLessThan(validity.now - 4 * 60_000);
  });

  test('does not open with the key of another, or a certificate that is no CA', async () => {
    const other = await createAuthority('prod', validity);
    const leaf = await authority.issue(
      peer.publicPem(),
      { role: 'agent', peerId: undefined, names: [] },
      validity,
    );
    for (const wrong of [
      { ...credential, key: other.key },
      { cert: leaf, key: peer.toPem() },
    ])
      await expect(Authority.open(wrong)).rejects.toMatchObject({ reason: 'BAD_CA' });
  });
});

describe('a certificate that names another peer than its key', () => {
  test('is not accepted', async () => {
    const other = PeerIdentity.generate().peerId;
    const cert = await authority.issue(
      peer.publicPem(),
      { role: 'agent', peerId: other, names: [] },
      validity,
    );
    expect(() => identityOf(new X509Certificate(cert))).toThrow('names another peer than that of its key');
  });
});

describe('a signing request', () => {
  test('proves the possession of its key', async () => {
    expect(await requestedKey(await signingRequest(peer.toPem()))).toBe(peer.publicPem());
  });

  test.each<[string, () => Promise<string>]>([
    ['nothing', () => Promise.resolve('')],
    ['a certificate', () => Promise.resolve(credential.cert)],
    ['a changed signature', async () => changed(await signingRequest(peer.toPem()))],
  ])('is refused if it is %s', async (_, request) => {
    await expect(requestedKey(await request())).rejects.toMatchObject({ reason: 'BAD_SIGNING_REQUEST' });
  });

  test('needs a key of Ed25519', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await expect(signingRequest(pem)).rejects.toThrow();
  });
});

/** Flips a bit of the signature, which is at the end. */
function changed(pem: string): string {
  const [, body = ''] = /-----\n([\s\S]+)\n-----/.exec(pem) ?? [];
  const der = Buffer.from(body, 'base64');
  der[der.length - 1] = (der[der.length - 1] ?? 0) ^ 1;
  return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
}
