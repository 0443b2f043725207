import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { formatDuration } from '@enjambre/core/format-duration';
import { parseIdentity, type CertifiedIdentity } from '@enjambre/core/trust/certified-identity';
import { certificatesOf } from './ca-chain.js';
import { peerIdOf } from '../identity/identity.js';

/** The texts of three PEM files, with the paths for errors. */
export interface TlsFiles {
  /** Certificates of the network's CAs. */
  readonly ca: PemFile;
  /** The program's own certificate, and those of intermediate CAs after it. */
  readonly cert: PemFile;
  /** The private key of the first certificate. */
  readonly key: PemFile;
}

export interface PemFile {
  readonly path: string;
  readonly text: string;
}

/** Checked credentials of a program. */
export interface TlsMaterial {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly identity: CertifiedIdentity;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** The one of them that vouches for the certificate. */
  readonly root: X509Certificate;
  /** Certificates of the CAs, parsed. */
  readonly authorities: readonly X509Certificate[];
}

/** More than a network has while its CA is replaced. */
const MAX_CERTIFICATES = 100;

/**
 * Checks the files together. Throws `precondition` BAD_CERTIFICATE, with one sentence that says what to do.
 *
 * @param now milliseconds since 1970
 */
export function checkTls({ ca, cert, key }: TlsFiles, now: number): TlsMaterial {
  const authorities = certificatesIn(ca);
  const [leaf, ...intermediates] = certificatesIn(cert);
  if (!leaf) throw bad(`${cert.path} holds no certificate`, 'name a PEM file');
  checkKey(leaf, { cert, key });
  checkTime(leaf, cert.path, now);
  const root = rootOf(leaf, intermediates, authorities);
  if (!root)
    throw bad(
      `no CA in ${ca.path} has signed the certificate in ${cert.path}`,
      'use the files of one network, and append intermediate certificates to the certificate',
    );
  return {
    ca: ca.text,
    cert: cert.text,
    key: key.text,
    identity: readIdentity(leaf, cert.path),
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
    root,
    authorities,
  };
}

/**
 * The identity in a certificate. An agent whose key is of Ed25519 is the peer of that key; for other keys, a URI names
 * the peer. Throws `invalid`, BAD_CERTIFICATE.
 */
export function identityOf({ subjectAltName = '', publicKey }: X509Certificate): CertifiedIdentity {
  const identity = parseIdentity(urisOf(subjectAltName));
  if (identity.role !== 'agent' || publicKey.asymmetricKeyType !== 'ed25519') return identity;
  const peerId = peerIdOf(publicKey);
  if (identity.peerId === undefined || identity.peerId === peerId) return { ...identity, peerId };
  const message = 'the certificate names another peer than that of its key';
  throw new EnjambreError('invalid', 'BAD_CERTIFICATE', message);
}

/**
 * Why a certificate is not valid at a time, as a clause that follows "the certificate …"; undefined if it is.
 *
 * @param clock the clock that says `now`, for the person who reads the clause
 */
export function problemOfTime(
  { validFrom, validTo }: Pick<X509Certificate, 'validFrom' | 'validTo'>,
  now: number,
  clock = 'the clock here',
): string | undefined {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  if (now < from) return `is not valid before ${iso(from)}, and ${clock} says ${iso(now)}: check the clock`;
  if (now > to) return `expired at ${iso(to)}, ${formatDuration(now - to)} ago by ${clock}`;
  return undefined;
}

/**
 * The URIs in the text that Node makes of subject alternative names, such as `URI:spiffe://net/role/agent,
 * DNS:host`. Names with special characters are JSON strings in it.
 */
function urisOf(subjectAltName: string): string[] {
  const entries = subjectAltName.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? [];
  return entries
    .map((entry) => entry.trim())
    .filter((entry) => entry.startsWith('URI:'))
    .map((entry) => entry.slice('URI:'.length))
    .map((value) => (value.startsWith('"') ? unquoted(value) : value));
}

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}

function certificatesIn({ path, text }: PemFile): X509Certificate[] {
  const certificates = parsed(path, text);
  if (certificates.length === 0)
    throw bad(`${path} holds no certificate`, 'name a file with certificates in PEM');
  if (certificates.length > MAX_CERTIFICATES)
    throw bad(
      `${path} holds more than ${MAX_CERTIFICATES} certificates`,
      'name the CAs of this network only',
    );
  return certificates;
}

function parsed(path: string, text: string): X509Certificate[] {
  try {
    return certificatesOf(text);
  } catch (error) {
    throw bad(`${path} holds a broken certificate (${messageOf(error)})`, 'write the file again', error);
  }
}

function checkKey(leaf: X509Certificate, { cert, key }: Pick<TlsFiles, 'cert' | 'key'>): void {
  let parsed: KeyObject;
  try {
    parsed = createPrivateKey(key.text);
  } catch (error) {
    const next = 'name the private key of the certificate, in PEM and without a passphrase';
    throw bad(`${key.path} holds no private key that can be read`, next, error);
  }
  if (!leaf.checkPrivateKey(parsed))
    throw bad(
      `the key in ${key.path} does not belong to the certificate in ${cert.path}`,
      'name a certificate and key that were made together',
    );
}

function checkTime(leaf: X509Certificate, path: string, now: number): void {
  const problem = problemOfTime(leaf, now);
  if (problem === undefined) return;
  throw bad(`the certificate in ${path} ${problem}`, now > Date.parse(leaf.validTo) ? 'renew it' : undefined);
}

/** The CA to which a chain leads from `leaf` over intermediate certificates. */
export function rootOf(
  leaf: X509Certificate,
  intermediates: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): X509Certificate | undefined {
  const isFrom = (of: X509Certificate, by: X509Certificate): boolean =>
    by.ca && of.checkIssued(by) && of.verify(by.publicKey);
  let at = leaf;
  // A chain has at most one step for each certificate.
  for (let steps = 0; steps <= intermediates.length; steps++) {
    const from = at;
    const root = authorities.find((authority) => isFrom(from, authority));
    if (root) return root;
    const next = intermediates.find((intermediate) => isFrom(from, intermediate));
    if (!next) return undefined;
    at = next;
  }
  return undefined;
}

function readIdentity(leaf: X509Certificate, path: string): CertifiedIdentity {
  try {
    return identityOf(leaf);
  } catch (error) {
    const why = messageOf(error).replace('the certificate', `the certificate in ${path}`);
    throw bad(
      why,
      'use one that was made by "enjambre ca", or with names as docs/security.md describes',
      error,
    );
  }
}

function bad(problem: string, next?: string, cause?: unknown): EnjambreError {
  const message = next === undefined ? problem : `${problem}: ${next}`;
  return new EnjambreError('precondition', 'BAD_CERTIFICATE', message, { cause });
}

function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
