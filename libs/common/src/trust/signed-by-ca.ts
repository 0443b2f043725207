import { createHash, sign, verify, X509Certificate } from 'node:crypto';
import type { SignedText } from '@enjambre/core/trust/signed-text';
import type { Credential } from './authority.js';
import { problemOfTime } from './tls-material.js';

/** What the text is for: a signature for one purpose is none for another. */
export type Purpose = 'join token' | 'revocation list' | 'authorities';

/** SHA-256 of a certificate in DER, in hex digits. */
export function certificateHash({ raw }: Pick<X509Certificate, 'raw'>): string {
  return createHash('sha256').update(raw).digest('hex');
}

/** The signature of a CA, in base64url. */
export function signatureBy({ key }: Pick<Credential, 'key'>, purpose: Purpose, signed: string): string {
  return sign('sha256', bytesOf(purpose, signed), key).toString('base64url');
}

/** A text with the signature and the certificate of a CA. */
export function signedBy(ca: Credential, purpose: Purpose, signed: string): SignedText {
  return {
    signed,
    signature: signatureBy(ca, purpose, signed),
    signer: new X509Certificate(ca.cert).toString(),
  };
}

/**
 * The certificate of the CA that has signed a text: one of `authorities`, or one that they have made a CA. Undefined if none
 * of them vouches for the text.
 *
 * @param now milliseconds since 1970
 */
export function signerOf(
  { signed, signature, signer }: SignedText,
  purpose: Purpose,
  { authorities, now }: { readonly authorities: readonly X509Certificate[]; readonly now: number },
): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(signer);
    const isGenuine = verify(
      'sha256',
      bytesOf(purpose, signed),
      certificate.publicKey,
      Buffer.from(signature, 'base64url'),
    );
    return isGenuine && isAuthority(certificate, authorities, now) ? certificate : undefined;
  } catch {
    return undefined;
  }
}

function isAuthority(
  certificate: X509Certificate,
  authorities: readonly X509Certificate[],
  now: number,
): boolean {
  if (problemOfTime(certificate, now) !== undefined || !certificate.ca) return false;
  return authorities.some(
    (authority) =>
      authority.fingerprint256 === certificate.fingerprint256 ||
      (certificate.checkIssued(authority) && certificate.verify(authority.publicKey)),
  );
}

function bytesOf(purpose: Purpose, signed: string): Buffer {
  return Buffer.from(`enjambre ${purpose} v1\0${signed}`);
}
