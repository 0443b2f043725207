import { randomBytes, X509Certificate } from 'node:crypto';
import { EnjambreError } from '@enjambre/core/error';
import { formatDuration } from '@enjambre/core/format-duration';
import { joinToken, readJoinToken, signedPart, type JoinTerms } from '@enjambre/core/trust/join-token';
import type { Credential } from './authority.js';
import { certificateHash, signatureBy, signerOf } from './signed-by-ca.js';

/** Creates a token that the CA has signed. */
export function issueToken(ca: Credential, terms: Omit<JoinTerms, 'id' | 'ca'>): string {
  const signed = signedPart({ ...terms, id: randomBytes(16).toString('hex'), ca: certificateHash(ca.cert) });
  return joinToken(signed, signatureBy(ca, 'join token', signed));
}

/**
 * The terms of a token that this CA has signed and that has not expired. Throws `invalid` BAD_JOIN_TOKEN, `denied`
 * JOIN_TOKEN_REFUSED.
 *
 * @param now milliseconds since 1970
 */
export function checkToken(text: string, caCert: string, now: number): JoinTerms {
  const { terms, signed, signature } = readJoinToken(text);
  const authorities = [new X509Certificate(caCert)];
  const isOurs =
    terms.ca === certificateHash(caCert) &&
    signerOf({ signed, signature, signer: caCert }, 'join token', { authorities, now });
  if (!isOurs) throw refused('the join token is of another CA: ask for a token of this network');
  if (now >= terms.expiresAt)
    throw refused(`the join token expired ${formatDuration(now - terms.expiresAt)} ago: ask for a new one`);
  return terms;
}

/** The error for a token that is good for no certificate. */
export function refused(message: string): EnjambreError {
  return new EnjambreError('denied', 'JOIN_TOKEN_REFUSED', message);
}
