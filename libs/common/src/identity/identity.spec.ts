import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PeerIdentity, verifyHello } from './identity.js';

const alice = PeerIdentity.generate();
const nonce = randomBytes(32);

describe('a peer identity', () => {
  it('has the hash of its raw public key as its id', () => {
    expect(alice.publicKey).toHaveLength(32);
    expect(alice.peerId).toBe(createHash('sha256').update(alice.publicKey).digest('hex'));
  });

  it('survives writing and reading', () => {
    const read = PeerIdentity.fromPem(alice.toPem());
    expect(read.peerId).toBe(alice.peerId);
    expect(read.publicKey.equals(alice.publicKey)).toBe(true);
    expect(verifyHello('tracker', nonce, alice.publicKey, read.signHello('tracker', nonce))).toBe(
      alice.peerId,
    );
  });

  it.each([
    ['nothing', ''],
    ['no PEM', 'hello'],
    [
      'an RSA key',
      generateKeyPairSync('rsa', { modulusLength: 2048 })
        .privateKey.export({ type: 'pkcs8', format: 'pem' })
        .toString(),
    ],
    [
      'a public key',
      generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    ],
  ])('is not read from %s', (_, pem) => {
    expect(() => PeerIdentity.fromPem(pem)).toThrow();
  });
});

describe('verifyHello', () => {
  const signature = alice.signHello('tracker', nonce);

  it('returns the peer whose key signed the challenge', () => {
    expect(verifyHello('tracker', nonce, alice.publicKey, signature)).toBe(alice.peerId);
    expect(verifyHello('messaging', nonce, alice.publicKey, alice.signHello('messaging', nonce))).toBe(
      alice.peerId,
    );
  });

  it.each([
    ['for another service', () => verifyHello('messaging', nonce, alice.publicKey, signature)],
    ['of another challenge', () => verifyHello('tracker', randomBytes(32), alice.publicKey, signature)],
    ['by another key', () => verifyHello('tracker', nonce, PeerIdentity.generate().publicKey, signature)],
    ['of another length', () => verifyHello('tracker', nonce, alice.publicKey, signature.subarray(0, 63))],
    ['that is empty', () => verifyHello('tracker', nonce, alice.publicKey, Buffer.alloc(0))],
    ['by a key of 31 bytes', () => verifyHello('tracker', nonce, alice.publicKey.subarray(1), signature)],
    ['by no key', () => verifyHello('tracker', nonce, Buffer.alloc(0), signature)],
  ])('does not know a signature %s', (_, verify) => {
    expect(verify()).toBeUndefined();
  });

  it('rejects a challenge or a signature with any bit changed', () => {
    fc.assert(
      fc.property(fc.nat(64 * 8 - 1), (bit) => {
        const flip = (bytes: Buffer): Buffer => {
          const copy = Buffer.from(bytes);
          const at = (bit >> 3) % copy.length;
          copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
          return copy;
        };
        expect(verifyHello('tracker', nonce, alice.publicKey, flip(signature))).toBeUndefined();
        expect(verifyHello('tracker', flip(nonce), alice.publicKey, signature)).toBeUndefined();
      }),
    );
  });
});

describe('verifyHello of a key that needs no private key', () => {
  const FIELD = 2n ** 255n - 19n;
  const bytesOf = (y: bigint, sign: 0 | 1): Buffer =>
    Buffer.from((y | (BigInt(sign) << 255n)).toString(16).padStart(64, '0'), 'hex').reverse();
  const ORDER_8 = [
    0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
    0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
  ];
  /** The identity as R and zero as S: no key was needed. */
  const forged = Buffer.concat([bytesOf(1n, 0), Buffer.alloc(32)]);
  const weak = [0n, 1n, FIELD - 1n, FIELD, FIELD + 1n, ...ORDER_8].flatMap((y) => [
    bytesOf(y, 0),
    bytesOf(y, 1),
  ]);

  it.each(weak.map((key) => [key.toString('hex'), key]))('rejects %s, whatever the challenge', (_, key) => {
    for (let count = 0; count < 200; count++)
      expect(verifyHello('peer', randomBytes(32), Buffer.from(key), forged)).toBeUndefined();
  });

  // OpenSSL before 3.5 accepts these keys, so which of them are weak is computed here.
  it.each([0n, 1n, FIELD - 1n, ...ORDER_8])(
    'knows that eight times the point with y = %s is the identity',
    (y) => {
      const mod = (n: bigint): bigint => ((n % FIELD) + FIELD) % FIELD;
      const power = (base: bigint, exponent: bigint): bigint => {
        let [result, square] = [1n, mod(base)];
        for (let rest = exponent; rest > 0n; rest >>= 1n) {
          if (rest & 1n) result = mod(result * square);
          square = mod(square * square);
        }
        return result;
      };
      const inverse = (n: bigint): bigint => power(n, FIELD - 2n);
      const d = mod(-121665n * inverse(121666n));
      const xSquared = mod((y * y - 1n) * inverse(d * y * y + 1n));
      // Of a square modulo FIELD, one of these is the root (RFC 8032, 5.1.3).
      const root = power(xSquared, (FIELD + 3n) / 8n);
      const roots = [root, mod(root * power(2n, (FIELD - 1n) / 4n))];
      const x = roots.find((candidate) => mod(candidate * candidate) === xSquared);
      expect(x).toBeDefined();
      let point: [bigint, bigint] = [x ?? 0n, y];
      for (let times = 0; times < 3; times++) {
        const [px, py] = point;
        const product = mod(d * px * px * py * py);
        point = [mod(2n * px * py * inverse(1n + product)), mod((py * py + px * px) * inverse(1n - product))];
      }
      expect(point).toEqual([0n, 1n]);
    },
  );

  it('accepts every key that is generated', () => {
    for (let count = 0; count < 100; count++) {
      const peer = PeerIdentity.generate();
      expect(verifyHello('peer', nonce, peer.publicKey, peer.signHello('peer', nonce))).toBe(peer.peerId);
    }
  });
});
