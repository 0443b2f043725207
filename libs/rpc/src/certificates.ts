import { createSecureContext, type PeerCertificate } from 'node:tls';
import { ChannelCredentials } from '@grpc/grpc-js';
import { X509Certificate } from 'node:crypto';
import { AuthorityLists } from '@enjambre/common/trust/authority-lists';
import { certificatesOf, pemOf } from '@enjambre/common/trust/ca-chain';
import { certificateHash } from '@enjambre/common/trust/signed-by-ca';
import { EnjambreError } from '@enjambre/core/error';
import { readJoinToken } from '@enjambre/core/trust/join-token';
import { CertificateServiceClient } from '@enjambre/proto/gen/enjambre/trust/v1/trust';
import { callUnary } from './client.js';
import { PLAINTEXT, type Credentials } from './credentials.js';
import { Dialer } from './dialer.js';
import { problemOfServer, SERVER_NAME } from './tls-credentials.js';

/** A certificate in PEM, and the CAs of its network. */
export interface IssuedCertificate {
  readonly certificate: string;
  readonly authorities: string;
}

export interface JoinInit {
  /** HOST:PORT of a tracker that issues certificates. */
  readonly address: string;
  readonly token: string;
  /** In PEM; see `signingRequest`. */
  readonly signingRequest: string;
  /** The name that the member will use. */
  readonly name: string;
  readonly signal?: AbortSignal;
}

/**
 * Joins a network: compares the hash of its CA with the token, then asks for a certificate over TLS that this CA, or one
 * that it vouches for, secures. The caller checks the certificate. Throws {@link EnjambreError}: the answer of the tracker, or `unauthenticated` WRONG_CA.
 */
export async function joinNetwork({ address, token, ...request }: JoinInit): Promise<IssuedCertificate> {
  const { terms } = readJoinToken(token);
  const { signal, ...asked } = request;
  const options = signal ? { signal } : {};
  const { authorities, authorityLists } = await asking(address, anonymous(undefined), (client) =>
    callUnary(client.getAuthorities.bind(client), {}, options),
  );
  const ca = certificateWith(terms.ca, authorities);
  if (ca === undefined) {
    const message = `the CA of the tracker at ${address} is not that of the join token: check the address, and that the token is of this network`;
    throw new EnjambreError('unauthenticated', 'WRONG_CA', message);
  }
  const trusted = trustedWith(ca, authorityLists, terms.network);
  const check = (certificate: PeerCertificate): Error | undefined =>
    problemOfServer(certificate, { own: terms, expected: 'tracker' });
  const { certificate } = await asking(address, anonymous({ ca: trusted, check }), (client) =>
    callUnary(client.join.bind(client), { ...asked, token }, options),
  );
  return { certificate, authorities: trusted };
}

/** Asks for the next certificate. Throws {@link EnjambreError}. @param dialer with the current certificate */
export async function renewCertificate(
  dialer: Dialer,
  address: string,
  signingRequest: string,
): Promise<IssuedCertificate> {
  const client = dialer.client(CertificateServiceClient, address, 'tracker');
  try {
    return await callUnary(client.renew.bind(client), { signingRequest });
  } finally {
    client.close();
  }
}

async function asking<T>(
  address: string,
  credentials: Credentials,
  ask: (client: CertificateServiceClient) => Promise<T>,
): Promise<T> {
  const client = new Dialer({ credentials }).client(CertificateServiceClient, address, 'tracker');
  try {
    return await ask(client);
  } finally {
    client.close();
  }
}

interface KnownAuthorities {
  readonly ca: string;
  readonly check: (certificate: PeerCertificate) => Error | undefined;
}

/** Credentials without a certificate, for calls of grpc-js. Without known CAs any server is accepted. */
function anonymous(known: KnownAuthorities | undefined): Credentials {
  const context = createSecureContext({ minVersion: 'TLSv1.3', ...(known && { ca: known.ca }) });
  const channel = ChannelCredentials.createFromSecureContext(context, {
    rejectUnauthorized: known !== undefined,
    checkServerIdentity: (_, certificate) => known?.check(certificate),
  });
  const channelOptions = { 'grpc.ssl_target_name_override': SERVER_NAME };
  return { ...PLAINTEXT, channel: () => channel, channelOptions };
}

/** The CAs that a known one vouches for, in PEM. */
function trustedWith(ca: string, lists: string, network: string): string {
  const root = new X509Certificate(ca);
  const known = new AuthorityLists({ file: '', network, trusted: () => [root] });
  known.take(lists);
  return pemOf(known.certificates ?? [root]);
}

/** The certificate with a hash, without the rest of the text: any other may be a stranger's. */
function certificateWith(hash: string, text: string): string | undefined {
  try {
    return certificatesOf(text)
      .find((each) => certificateHash(each) === hash)
      ?.toString();
  } catch {
    return undefined;
  }
}
