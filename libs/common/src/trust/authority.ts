import 'reflect-metadata';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { EnjambreError } from '@enjambre/core/error';
import { identityUris, type CertifiedIdentity } from '@enjambre/core/trust/certified-identity';

/** A certificate and its private key, in PEM. */
export interface Credential {
  readonly cert: string;
  readonly key: string;
}

export interface Validity {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly ttlMs: number;
}

const CA_ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const LEAF_ALGORITHM = { name: 'Ed25519' };
/** Our own programs check no host names; other tools, such as grpcurl, are told to expect this one. */
const SERVER_NAME = 'enjambre';
/** Clocks of machines differ: a certificate is valid a little before it is issued. */
const BACKDATED_MS = 5 * 60_000;
/** A CA may have one intermediate CA below it. */
const PATH_LENGTH = 1;
const SERVER_AND_CLIENT = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];

/** Creates the CA of a network: a key of P-256, and a certificate signed with it. */
export async function createAuthority(network: string, validity: Validity): Promise<Credential> {
  const keys = await webcrypto.subtle.generateKey(CA_ALGORITHM, true, ['sign', 'verify']);
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    ...serialAndTime(validity),
    name: [{ CN: [`enjambre CA of ${network}`] }],
    keys,
    signingAlgorithm: CA_ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, PATH_LENGTH, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${network}` }]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { cert: pem(cert), key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** Issues certificates of a network. */
export class Authority {
  private constructor(
    readonly network: string,
    /** Its certificate, in PEM. */
    readonly pem: string,
    private readonly cert: x509.X509Certificate,
    private readonly key: webcrypto.CryptoKey,
  ) {}

  /** Throws `precondition`, BAD_CA, if the two are no CA of a network. */
  static async open({ cert, key }: Credential): Promise<Authority> {
    try {
      const parsed = new X509Certificate(cert);
      const network = /URI:spiffe:\/\/([a-z0-9._-]+)(?:,|$)/.exec(parsed.subjectAltName ?? '')?.[1];
      const privateKey = createPrivateKey(key);
      if (!parsed.ca || network === undefined || !parsed.checkPrivateKey(privateKey)) throw notOfNetwork();
      const der = privateKey.export({ type: 'pkcs8', format: 'der' });
      const imported = await webcrypto.subtle.importKey('pkcs8', der, CA_ALGORITHM, false, ['sign']);
      return new Authority(network, cert, new x509.X509Certificate(cert), imported);
    } catch (error) {
      throw error instanceof EnjambreError ? error : notOfNetwork(error);
    }
  }

  /**
   * Issues a certificate for a public key, for TLS servers and clients.
   *
   * @param publicKey in PEM
   */
  async issue(
    publicKey: string,
    identity: Omit<CertifiedIdentity, 'network'>,
    validity: Validity,
  ): Promise<string> {
    const { network } = this;
    const uris = identityUris({ ...identity, network });
    const spki = createPublicKey(publicKey).export({ type: 'spki', format: 'der' });
    const subject = new x509.PublicKey(spki);
    const cert = await x509.X509CertificateGenerator.create({
      ...serialAndTime(validity),
      subject: [{ CN: [`${identity.role} of ${network}`] }],
      issuer: this.cert.subject,
      publicKey: subject,
      signingKey: this.key,
      signingAlgorithm: CA_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(SERVER_AND_CLIENT),
        new x509.SubjectAlternativeNameExtension([
          ...uris.map((value) => ({ type: 'url', value }) as const),
          { type: 'dns', value: SERVER_NAME },
        ]),
        await x509.AuthorityKeyIdentifierExtension.create(this.cert.publicKey),
      ],
    });
    return pem(cert);
  }
}

/** A certificate signing request (PKCS #10) for an Ed25519 key, in PEM; it names nobody: the CA decides that. */
export async function signingRequest(key: string): Promise<string> {
  const privateKey = createPrivateKey(key);
  const der = privateKey.export({ type: 'pkcs8', format: 'der' });
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [{ CN: ['enjambre'] }],
    keys: {
      privateKey: await webcrypto.subtle.importKey('pkcs8', der, LEAF_ALGORITHM, false, ['sign']),
      publicKey: await webcrypto.subtle.importKey('spki', spki, LEAF_ALGORITHM, true, ['verify']),
    },
    signingAlgorithm: LEAF_ALGORITHM,
  });
  return `${request.toString('pem')}\n`;
}

/**
 * The public key of a signing request, in PEM, once its signature is checked: who sent it has the private key. Throws
 * `invalid`, BAD_SIGNING_REQUEST.
 */
export async function requestedKey(request: string): Promise<string> {
  try {
    const parsed = new x509.Pkcs10CertificateRequest(request);
    if (!(await parsed.verify())) throw new Error('its signature is wrong');
    const der = Buffer.from(parsed.publicKey.rawData);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    if (key.asymmetricKeyType !== 'ed25519') throw new Error('its key is not of Ed25519');
    return key.export({ type: 'spki', format: 'pem' }).toString();
  } catch (error) {
    const message = 'the signing request is malformed: send one in PEM, signed by an Ed25519 key';
    throw new EnjambreError('invalid', 'BAD_SIGNING_REQUEST', message, { cause: error });
  }
}

function notOfNetwork(cause?: unknown): EnjambreError {
  const message =
    'the certificate and key are not those of a CA of a network: name those that `enjambre ca init` wrote, with a key of P-256';
  return new EnjambreError('precondition', 'BAD_CA', message, { cause });
}

function serialAndTime({ now, ttlMs }: Validity): { serialNumber: string; notBefore: Date; notAfter: Date } {
  // Positive: the first bit is zero.
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) & 0x7f;
  return {
    serialNumber: serial.toString('hex'),
    notBefore: new Date(now - BACKDATED_MS),
    notAfter: new Date(now + ttlMs),
  };
}

function pem(cert: x509.X509Certificate): string {
  return `${cert.toString('pem')}\n`;
}
