import 'reflect-metadata';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { EnjambreError } from '@enjambre/core/error';
import { caChainOf, pemOf, type CaChain } from './ca-chain.js';
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
/** Attribute of a name, and an extension: their object identifiers. */
const SERIAL_NUMBER = '2.5.4.5';
const NAME_CONSTRAINTS = '2.5.29.30';
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
  return { cert: pem(cert), key: await privateKeyPem(keys.privateKey) };
}

/** Issues certificates of a network. */
export class Authority {
  private readonly cert: x509.X509Certificate;

  private constructor(
    readonly network: string,
    readonly chain: CaChain,
    private readonly key: webcrypto.CryptoKey,
  ) {
    this.cert = new x509.X509Certificate(chain.issuer.raw);
  }

  /** What members trust, in PEM. */
  get roots(): string {
    return pemOf(this.chain.roots);
  }

  /** Throws `precondition`, BAD_CA, if the two are no CA of a network. */
  static async open({ cert, key }: Credential): Promise<Authority> {
    try {
      const chain = caChainOf(cert);
      const parsed = chain.issuer;
      const network = /URI:spiffe:\/\/([a-z0-9._-]+)(?:,|$)/.exec(parsed.subjectAltName ?? '')?.[1];
      const privateKey = createPrivateKey(key);
      if (!parsed.ca || network === undefined || !parsed.checkPrivateKey(privateKey)) throw notOfNetwork();
      const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
      const imported = await webcrypto.subtle.importKey('pkcs8', pkcs8, CA_ALGORITHM, false, ['sign']);
      return new Authority(network, chain, imported);
    } catch (error) {
      throw error instanceof EnjambreError ? error : notOfNetwork(error);
    }
  }

  /**
   * Issues a certificate for a public key, for TLS servers and clients. Intermediate CAs follow it. It expires with the
   * CA at the latest.
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
      ...this.#serialAndTime(validity),
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
    return pem(cert) + pemOf(this.chain.intermediates);
  }

  /**
   * Creates an intermediate CA, which can issue certificates of this network only, and no further CAs. Its file has the
   * roots as well. Throws `precondition`, BAD_CA, if this CA is an intermediate one itself.
   */
  async createIntermediate(validity: Validity): Promise<Credential> {
    if (this.chain.intermediates.length > 0) {
      const message = 'an intermediate CA makes no further CAs: name the folder of the root CA with --ca';
      throw new EnjambreError('precondition', 'BAD_CA', message);
    }
    const keys = await webcrypto.subtle.generateKey(CA_ALGORITHM, true, ['sign', 'verify']);
    const times = this.#serialAndTime(validity);
    const cert = await x509.X509CertificateGenerator.create({
      ...times,
      // The certificates that it issues repeat its name: a list that revokes its serial number concerns them all.
      subject: [
        { CN: [`enjambre intermediate CA of ${this.network}`] },
        { [SERIAL_NUMBER]: [times.serialNumber] },
      ],
      issuer: this.cert.subject,
      publicKey: keys.publicKey,
      signingKey: this.key,
      signingAlgorithm: CA_ALGORITHM,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        new x509.SubjectAlternativeNameExtension([{ type: 'url', value: `spiffe://${this.network}` }]),
        new x509.Extension(NAME_CONSTRAINTS, true, onlyUrisOf(this.network)),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(this.cert.publicKey),
      ],
    });
    return { cert: pem(cert) + this.roots, key: await privateKeyPem(keys.privateKey) };
  }

  #serialAndTime({ now, ttlMs }: Validity): ReturnType<typeof serialAndTime> {
    return serialAndTime({ now, ttlMs: Math.min(ttlMs, this.cert.notAfter.getTime() - now) });
  }
}

async function privateKeyPem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const parsed = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return parsed.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** NameConstraints (RFC 5280, 4.2.1.10) that permit URIs of one host only. */
function onlyUrisOf(host: string): Buffer {
  const uri = der(0x86, Buffer.from(host));
  return der(0x30, der(0xa0, der(0x30, uri)));
}

/** A value in DER, of at most 65,535 bytes. */
function der(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...(length < 128 ? [length] : long)]), value]);
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
