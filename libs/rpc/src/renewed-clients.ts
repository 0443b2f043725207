import { createHash, type X509Certificate } from 'node:crypto';
import { identityUris, type CertifiedIdentity } from '@enjambre/core/trust/certified-identity';

/** More than the clients of one server. The oldest is dropped first, and its connections end when they expire. */
const MAX_CLIENTS = 100_000;

/** The part of a certificate that counts while a connection is open. */
export interface SeenCertificate {
  readonly serialNumber: string;
  readonly issuer: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/**
 * The newest certificates that a server has seen. A connection that began with an older one for the same key, with the
 * same role and rights, stays: its client has renewed.
 */
export class RenewedClients {
  readonly #newest = new Map<string, SeenCertificate>();

  /** Records a certificate. Returns the key for {@link newest}. */
  note(identity: CertifiedIdentity, certificate: X509Certificate): string {
    const key = keyOf(identity, certificate);
    const { serialNumber, issuer, validTo } = certificate;
    const expiresAt = Date.parse(validTo);
    const known = this.#newest.get(key);
    if (known && known.expiresAt > expiresAt) return key;
    this.#newest.delete(key);
    this.#newest.set(key, { serialNumber, issuer, expiresAt });
    const [oldest] = this.#newest.keys();
    if (this.#newest.size > MAX_CLIENTS && oldest !== undefined) this.#newest.delete(oldest);
    return key;
  }

  newest(key: string): SeenCertificate | undefined {
    return this.#newest.get(key);
  }
}

function keyOf(identity: CertifiedIdentity, { publicKey }: X509Certificate): string {
  const hash = createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' }));
  return hash.update(identityUris(identity).join('\n')).digest('base64');
}
