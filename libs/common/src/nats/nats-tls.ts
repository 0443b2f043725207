import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { EnjambreError } from '@enjambre/core/error';
import { flagName } from '../config/options.js';
import { systemErrorText } from '../system-error.js';

/** TLS options that nats.js passes to Node. */
export interface NatsTls {
  /** Replaces Node's own CAs. */
  readonly ca?: string;
  readonly checkServerIdentity: (name: string, certificate: PeerCertificate) => Error | undefined;
}

export interface NatsTlsInit {
  /** All servers of `--nats`: "tls://HOST:PORT". */
  readonly servers: readonly string[];
  /** A PEM file with CA certificates. */
  readonly caFile: string | undefined;
}

/**
 * TLS options of a connection to NATS; undefined if TLS is not required. One server with tls://, or a CA,
 * requires it of all servers: no server is a way around it. Throws `precondition`, BAD_NATS_CA.
 */
export async function natsTls({ servers, caFile }: NatsTlsInit): Promise<NatsTls | undefined> {
  const urls = servers.map((server) => new URL(server));
  if (caFile === undefined && !urls.some(({ protocol }) => protocol === 'tls:')) return undefined;
  const hosts = urls.map(({ hostname }) => hostname.replace(/^\[|\]$/g, ''));
  const ca = caFile === undefined ? undefined : await readCa(caFile);
  return { ...(ca !== undefined && { ca }), checkServerIdentity: identityOf(hosts) };
}

/**
 * nats.js passes no host name to Node for a server that it dialled by address, or learned from another
 * server.
 */
function identityOf(hosts: readonly string[]): NatsTls['checkServerIdentity'] {
  return (_, certificate) => {
    const problems = hosts.map((host) => checkServerIdentity(host, certificate));
    return problems.includes(undefined) ? undefined : problems[0];
  };
}

async function readCa(file: string): Promise<string> {
  const bad = (why: string, cause: unknown): EnjambreError =>
    new EnjambreError(
      'precondition',
      'BAD_NATS_CA',
      `${flagName('natsCa')}: ${file} ${why}: name a file with the certificates of CAs, in PEM`,
      { cause },
    );
  let pem: string;
  try {
    pem = await readFile(file, 'utf8');
  } catch (error) {
    throw bad(`cannot be read (${systemErrorText(error)})`, error);
  }
  try {
    new X509Certificate(pem);
  } catch (error) {
    throw bad('holds no certificate', error);
  }
  return pem;
}

/** Node's error codes for a certificate that no known CA has signed. */
const UNKNOWN_CA: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Why a server's certificate is rejected, as a clause; undefined for other errors. */
export function certificateProblem(code: string, message: string): string | undefined {
  if (UNKNOWN_CA.has(code))
    return `no known CA has signed its certificate: name its CA with ${flagName('natsCa')}`;
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `its certificate is for another name: ${message}`;
  return undefined;
}
