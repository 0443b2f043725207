import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TestNetwork } from '@enjambre/harness/trust';
import { PeerIdentity } from '../identity/identity.js';
import { Revocations } from './revocations.js';
import { revoke } from './revoke.js';

const HOUR_MS = 3_600_000;
const OTHER_CERTIFICATE = { serialNumber: '01', issuer: 'CN=x' };

let folder: string;
let file: string;
let network: TestNetwork;
const peer = PeerIdentity.generate().peerId;

beforeEach(async () => {
  network = await TestNetwork.create('prod');
  folder = await mkdtemp(join(tmpdir(), 'enjambre-revoked-'));
  file = join(folder, 'revoked.json');
});

afterEach(() => rm(folder, { recursive: true }));

/** The text of the list with one more revocation. */
async function revoked(of: TestNetwork, what: { peer: typeof peer } | { serial: string }): Promise<string> {
  const entry = { ...what, revokedAt: Date.now(), expiresAt: Date.now() + HOUR_MS };
  await revoke(of.inFolder(folder), [entry], Date.now());
  return readFile(file, 'utf8');
}

const trusting = (of: TestNetwork, ...files: string[]): Revocations =>
  new Revocations({ files, authorities: () => [new X509Certificate(of.ca)] });

describe('a list of revoked certificates', () => {
  test('is read from a file when the file changes, and from a file that appears later', async () => {
    const revocations = trusting(network, file);
    let changes = 0;
    revocations.onChange(() => (changes += 1));
    expect(await revocations.review()).toBe(false);
    await revoked(network, { peer });
    expect(await revocations.review()).toBe(true);
    expect(await revocations.review()).toBe(false);
    expect(changes).toBe(1);
    expect(revocations.revokedAt(OTHER_CERTIFICATE, peer)).toBeInstanceOf(Date);
    expect(revocations.revokedAt(OTHER_CERTIFICATE, undefined)).toBeUndefined();
  });

  test('names a peer with all its certificates, or one certificate', async () => {
    const [one, other] = await Promise.all([network.member(), network.member()]);
    const of = (pem: string): X509Certificate => new X509Certificate(pem);
    await revoked(network, { serial: of(one.cert).serialNumber.toLowerCase().replace(/^0+/, '') });
    const revocations = trusting(network, file);
    await revocations.review();
    expect(revocations.revokedAt(of(one.cert), undefined)).toBeInstanceOf(Date);
    expect(revocations.revokedAt(of(other.cert), undefined)).toBeUndefined();
  });

  test('of another CA does not count, nor a changed one', async () => {
    const list = await revoked(network, { peer });
    const revocations = trusting(await TestNetwork.create('prod'));
    expect(revocations.take(list)).toBe(false);
    const forged = list.replace(peer, PeerIdentity.generate().peerId);
    expect(trusting(network).take(forged)).toBe(false);
    expect(trusting(network).take(list)).toBe(true);
  });

  test('does not replace a newer one', async () => {
    const older = await revoked(network, { peer });
    const newer = await revoked(network, { serial: 'ab' });
    const revocations = trusting(network);
    expect(revocations.take(newer)).toBe(true);
    expect(revocations.take(older)).toBe(false);
    expect(revocations.size).toBe(2);
  });

  test('that was learned is kept for the next start', async () => {
    const list = await revoked(network, { peer });
    const kept = join(folder, 'kept.json');
    expect(await trusting(network, kept).learn(list)).toBe(true);
    const next = trusting(network, kept);
    await next.review();
    expect(next.revokedAt(OTHER_CERTIFICATE, peer)).toBeDefined();
    expect(next.text).toBe(list);
  });

  test('is kept elsewhere if its own folder cannot be written', async () => {
    const list = await revoked(network, { peer });
    const own = trusting(network, '/proc/enjambre/revoked.json');
    own.keepIn(join(folder, 'kept.json'));
    await own.review();
    await own.learn(list);
    expect(await readFile(join(folder, 'kept.json'), 'utf8')).toBe(list);
  });

  test('that is damaged leaves what was known, and is reported once', async () => {
    await revoked(network, { peer });
    const revocations = trusting(network, file);
    await revocations.review();
    await writeFile(file, 'half');
    await expect(revocations.review()).rejects.toMatchObject({
      reason: 'BAD_REVOCATIONS',
      message: expect.stringContaining('copy it from the folder of the CA, or of another member'),
    });
    expect(await revocations.review()).toBe(false);
    expect(revocations.revokedAt(OTHER_CERTIFICATE, peer)).toBeDefined();
  });
});
