import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { EnjambreError } from '@enjambre/core/error';
import { flagName } from '../config/options.js';
import type { NatsFiles } from './nats-options.js';
import { systemErrorText } from '../system-error.js';

/** TLS options that nats.js passes to Node. */
export interface NatsTls {
  /** Replaces Node's own CAs. */
  readonly ca?: string;
  /** Read for each connection: the certificate may be renewed. */
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly checkServerIdentity: (name: string, certificate: PeerCertificate) => Error | undefined;
}

/**
 * TLS options of a connection to NATS; undefined if TLS is not required. One server with tls://, a CA or a client
 * certificate requires it of all servers: no server is a way around it. Throws `precondition`, BAD_NATS_CA or
 * BAD_NATS_CERT.
 *
 * @param servers all servers of `--nats`: "tls://HOST:PORT"
 */
export async function natsTls(
  servers: readonly string[],
  { natsCa: caFile, natsCert: certFile, natsKey: keyFile }: NatsFiles,
): Promise<NatsTls | undefined> {
  const client = await clientCertificate(certFile, keyFile);
  const urls = servers.map((server) => new URL(server));
  const isRequired = caFile !== undefined || client || urls.some(({ protocol }) => protocol === 'tls:');
  if (!isRequired) return undefined;
  const hosts = urls.map(({ hostname }) => hostname.replace(/^\[|\]$/g, ''));
  const ca = caFile === undefined ? undefined : await readCa(caFile);
  return { ...(ca !== undefined && { ca }), ...client, checkServerIdentity: identityOf(hosts) };
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

/** Checks that the two belong together. */
async function clientCertificate(
  certFile: string | undefined,
  keyFile: string | undefined,
): Promise<Pick<NatsTls, 'certFile' | 'keyFile'> | undefined> {
  if (certFile === undefined && keyFile === undefined) return undefined;
  const [cert, key] = [flagName('natsCert'), flagName('natsKey')];
  if (certFile === undefined || keyFile === undefined)
    throw badCertificate(`${cert} and ${key} are needed together`);
  let matches: boolean;
  try {
    const [certificate, privateKey] = await Promise.all([
      readFile(certFile, 'utf8'),
      readFile(keyFile, 'utf8'),
    ]);
    matches = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch (error) {
    throw badCertificate(
      `${cert} and ${key} cannot be used (${systemErrorText(error)}): name PEM files`,
      error,
    );
  }
  if (!matches)
    throw badCertificate(`the key in ${keyFile} does not belong to the certificate in ${certFile}`);
  return { certFile, keyFile };
}

function badCertificate(message: string, cause?: unknown): EnjambreError {
  return new EnjambreError('precondition', 'BAD_NATS_CERT', message, { cause });
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
