import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flagName } from '@enjambre/common/config/options';
import { replaceFile } from '@enjambre/common/files/new-file';
import type { PeerIdentity } from '@enjambre/common/identity/identity';
import type { Logger } from '@enjambre/common/log/logger';
import { checkTls } from '@enjambre/common/trust/tls-material';
import { TlsStore, type TlsPaths } from '@enjambre/common/trust/tls-store';
import { EnjambreError } from '@enjambre/core/error';
import { checkHolder, type Role } from '@enjambre/core/trust/certified-identity';
import { readJoinToken } from '@enjambre/core/trust/join-token';
import { joinNetwork, type IssuedCertificate } from '../certificates.js';
import { anyOf } from './any-of.js';

const PUBLIC = 0o644;

export interface Joining {
  /** Where the certificate is kept, and the key of `identity`. */
  readonly paths: TlsPaths;
  readonly identity: PeerIdentity;
  readonly role: Role;
  readonly name: string;
  /** HOST:PORT of each tracker. */
  readonly trackers: readonly string[];
  readonly log: Logger;
}

/** Joins with a token, and keeps the certificate once it is checked. */
export async function join(
  { paths, identity, role, name, trackers, log }: Joining,
  token: string,
): Promise<TlsStore> {
  const allowed = readJoinToken(token).terms.role;
  if (allowed !== role) {
    const message = `the join token is for the role ${allowed}: ask for one of "enjambre ca token --role ${role}"`;
    throw new EnjambreError('invalid', 'BAD_JOIN_TOKEN', message);
  }
  const signingRequest = await requestFor(identity);
  const issued = await anyOf(trackers, (address) => joinNetwork({ address, token, signingRequest, name }));
  const { authorities, certificate } = issued;
  const { identity: holder } = checkTls(
    {
      ca: { path: paths.ca, text: authorities },
      cert: { path: paths.cert, text: certificate },
      key: { path: paths.key, text: identity.toPem() },
    },
    Date.now(),
  );
  checkHolder(holder, { id: identity.peerId, name });
  await writeMember(paths, issued);
  log.info(`joined the network ${holder.network}: certificate received`);
  return TlsStore.open(paths);
}

/** Why a certificate cannot be used, with the advice to join again. */
export function orJoin({ code, reason, message }: EnjambreError): EnjambreError {
  const next = `or join again: print a token with "enjambre ca token", and start it with ${flagName('join')} TOKEN`;
  return new EnjambreError(code, reason, `${message}; ${next}`);
}

/** A signing request. Its modules take long to load, and are needed once a week. */
export async function requestFor(identity: PeerIdentity): Promise<string> {
  return (await import('@enjambre/common/trust/authority')).signingRequest(identity.toPem());
}

/** Writes a certificate to the folder of a member. */
export async function writeMember(
  paths: TlsPaths,
  { authorities, certificate }: IssuedCertificate,
): Promise<void> {
  await mkdir(dirname(paths.ca), { recursive: true, mode: 0o700 });
  await writeRoots(paths, authorities);
  await writeCertificate(paths, certificate);
}

/** @param roots in PEM */
export async function writeRoots({ ca }: TlsPaths, roots: string): Promise<void> {
  await replaceFile(ca, roots, PUBLIC);
}

/** @param certificate in PEM, with intermediate CAs after it */
export async function writeCertificate({ cert }: TlsPaths, certificate: string): Promise<void> {
  await replaceFile(cert, certificate, PUBLIC);
}
