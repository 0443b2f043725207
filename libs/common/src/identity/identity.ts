import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { peerIdFromBytes, type PeerId } from '@enjambre/core/ids';

/** DER prefix of a SubjectPublicKeyInfo that holds a raw Ed25519 key (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const RAW_KEY_BYTES = 32;

/** The addressee of a hello: a signature for one service is invalid at another. */
export type HelloContext = 'tracker' | 'messaging' | 'peer';

/** A peer's Ed25519 key pair. The peer id is the SHA-256 of the raw public key. */
export class PeerIdentity {
  readonly publicKey: Buffer;
  readonly peerId: PeerId;

  private constructor(private readonly key: KeyObject) {
    this.publicKey = rawKey(createPublicKey(key));
    this.peerId = peerIdOfKey(this.publicKey);
  }

  static generate(): PeerIdentity {
    return new PeerIdentity(generateKeyPairSync('ed25519').privateKey);
  }

  /** Parses the output of {@link toPem}. Throws if it is not an Ed25519 private key. */
  static fromPem(pem: string): PeerIdentity {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('not an Ed25519 key');
    return new PeerIdentity(key);
  }

  /** The same; undefined if it is another kind of private key. */
  static ifEd25519(pem: string): PeerIdentity | undefined {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyType === 'ed25519' ? new PeerIdentity(key) : undefined;
  }

  /** The private key as PKCS #8 in PEM. */
  toPem(): string {
    return this.key.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** The public key in PEM. */
  publicPem(): string {
    return createPublicKey(this.key).export({ type: 'spki', format: 'pem' }).toString();
  }

  /** The 64-byte signature that answers a challenge. */
  signHello(context: HelloContext, nonce: Uint8Array): Buffer {
    return this.sign(helloText(context, nonce));
  }

  /** The same for a hello of version 2; see `bound-hello`. */
  signBound(context: HelloContext, text: Uint8Array): Buffer {
    return this.sign(boundText(context, text));
  }

  /** The 64-byte signature of a text. Each kind of text begins with its own words, so that none can pass for another. */
  sign(text: Uint8Array): Buffer {
    return sign(null, text, this.key);
  }
}

/**
 * Verifies the answer to a challenge. Returns the peer id, or undefined if the key does not have 32 bytes, is
 * {@link isWeakKey | weak}, or the signature does not match.
 */
export function verifyHello(
  context: HelloContext,
  nonce: Uint8Array,
  publicKey: Uint8Array,
  signature: Uint8Array,
): PeerId | undefined {
  return verifySigned(helloText(context, nonce), publicKey, signature);
}

/** The same for a hello of version 2; see `bound-hello`. */
export function verifyBound(
  context: HelloContext,
  text: Uint8Array,
  { publicKey, signature }: { readonly publicKey: Uint8Array; readonly signature: Uint8Array },
): PeerId | undefined {
  return verifySigned(boundText(context, text), publicKey, signature);
}

/** The peer that signed a text; see {@link verifyHello}. */
export function verifySigned(
  text: Uint8Array,
  publicKey: Uint8Array,
  signature: Uint8Array,
): PeerId | undefined {
  if (publicKey.length !== RAW_KEY_BYTES || isWeakKey(publicKey)) return undefined;
  try {
    const key = createPublicKey({
      key: Buffer.concat([SPKI_PREFIX, publicKey]),
      format: 'der',
      type: 'spki',
    });
    return verify(null, text, key, signature) ? peerIdOfKey(publicKey) : undefined;
  } catch {
    return undefined;
  }
}

/** The id of the peer with an Ed25519 public key. */
export function peerIdOf(publicKey: KeyObject): PeerId {
  return peerIdOfKey(rawKey(publicKey));
}

function rawKey(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return spki.subarray(spki.length - RAW_KEY_BYTES);
}

export function peerIdOfKey(publicKey: Uint8Array): PeerId {
  return peerIdFromBytes(createHash('sha256').update(publicKey).digest());
}

function helloText(context: HelloContext, nonce: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`enjambre ${context} hello v1\0`, 'ascii'), nonce]);
}

function boundText(context: HelloContext, text: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`enjambre ${context} hello v2\0`, 'ascii'), text]);
}

/** The field of Curve25519 has 2^255 - 19 elements (RFC 8032). */
const FIELD = 2n ** 255n - 19n;
/**
 * The y coordinates of the eight points of small order (RFC 7748, section 7). For such a key, a signature that
 * anyone can construct matches at least one challenge in eight.
 */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  FIELD - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

/** True for a key that proves nothing: a point of small order, or a second encoding of a point. OpenSSL accepts both. */
function isWeakKey(publicKey: Uint8Array): boolean {
  const encoded = BigInt(`0x${Buffer.from(publicKey).reverse().toString('hex')}`);
  const y = BigInt.asUintN(255, encoded); // The top bit is the sign of x.
  return y >= FIELD || SMALL_ORDER_Y.has(y);
}
