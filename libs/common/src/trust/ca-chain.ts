import { X509Certificate } from 'node:crypto';
import { EnjambreError } from '@enjambre/core/error';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/** The certificates in the file of a CA. */
export interface CaChain {
  /** The CA that issues: a root, or an intermediate CA below one. */
  readonly issuer: X509Certificate;
  /** What a holder sends after its certificate; empty below a root. */
  readonly intermediates: readonly X509Certificate[];
  /** What members trust. */
  readonly roots: readonly X509Certificate[];
}

/** Reads the file of a CA: the issuing certificate first, its roots after it. Throws `precondition`, BAD_CA. */
export function caChainOf(pem: string): CaChain {
  const certificates = certificatesOf(pem);
  const [issuer] = certificates;
  const roots = certificates.filter(isRoot);
  if (issuer && roots.length > 0 && certificates.every(({ ca }) => ca))
    return { issuer, intermediates: certificates.filter((each) => !isRoot(each)), roots };
  const message =
    'ca.crt holds no CA, or an intermediate CA without its root: write it with `enjambre ca init` or `enjambre ca intermediate`';
  throw new EnjambreError('precondition', 'BAD_CA', message);
}

/** The certificates in a text. Throws an error of OpenSSL. */
export function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
}

/** Certificates in one text of PEM. */
export function pemOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((each) => each.toString()).join('');
}

function isRoot(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}
