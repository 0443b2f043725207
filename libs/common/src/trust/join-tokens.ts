import { randomBytes, X509Certificate } from 'node:crypto';
import { EnjambreError } from '@enjambre/core/error';
import { formatDuration } from '@enjambre/core/format-duration';
import {
  joinToken,
  readJoinToken,
  signedPart,
  type JoinTerms,
  type ReadToken,
} from '@enjambre/core/trust/join-token';
import type { Credential } from './authority.js';
import { caChainOf } from './ca-chain.js';
import { certificateHash, signatureBy, signerOf } from './signed-by-ca.js';

/** Creates a token that the CA has signed. It names the root; an intermediate CA adds its own certificate. */
export function issueToken(ca: Credential, terms: Omit<JoinTerms, 'id' | 'ca'>): string {
  const { roots, intermediates } = caChainOf(ca.cert);
  const hash = roots[0] ? certificateHash(roots[0]) : '';
  const signed = signedPart({ ...terms, id: randomBytes(16).toString('hex'), ca: hash });
  return joinToken(
    signed,
    signatureBy(ca, 'join token', signed),
    intermediates[0]?.raw.toString('base64url'),
  );
}

interface TokenProof {
  /** The CAs of the network. */
  readonly roots: readonly X509Certificate[];
  /** Milliseconds since 1970. */
  readonly now: number;
  /** @default no CA is revoked */
  readonly isRevoked?: (certificate: X509Certificate) => boolean;
}

/**
 * The terms of a token that a CA of the network has signed and that has not expired. Throws `invalid` BAD_JOIN_TOKEN,
 * `denied` JOIN_TOKEN_REFUSED.
 */
export function checkToken(text: string, { roots, now, isRevoked = () => false }: TokenProof): JoinTerms {
  const read = readJoinToken(text);
  const { terms } = read;
  const root = roots.find((each) => certificateHash(each) === terms.ca);
  const signer = root && signerIn(read, root, now);
  if (!signer || isRevoked(signer))
    throw refused('the join token is of another CA: ask for a token of this network');
  if (now >= terms.expiresAt)
    throw refused(`the join token expired ${formatDuration(now - terms.expiresAt)} ago: ask for a new one`);
  return terms;
}

function signerIn(
  { signed, signature, signer }: ReadToken,
  root: X509Certificate,
  now: number,
): X509Certificate | undefined {
  try {
    const certificate = signer === undefined ? root : new X509Certificate(Buffer.from(signer, 'base64url'));
    const proof = { authorities: [root], now };
    return signerOf({ signed, signature, signer: certificate.toString() }, 'join token', proof);
  } catch {
    return undefined;
  }
}

/** The error for a token that is good for no certificate. */
export function refused(message: string): EnjambreError {
  return new EnjambreError('denied', 'JOIN_TOKEN_REFUSED', message);
}
