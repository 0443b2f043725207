import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Logger } from '@enjambre/common/log/logger';
import { flagName } from '@enjambre/common/config/options';
import { formatAddress, type TcpAddress } from '@enjambre/common/config/address';
import type { PeerIdentity } from '@enjambre/common/identity/identity';
import { replaceFile } from '@enjambre/common/files/new-file';
import { isDue, type ProgramTls } from '@enjambre/common/trust/program-tls';
import { hasJoined, memberPaths } from '@enjambre/common/trust/member-paths';
import type { Revocations } from '@enjambre/common/trust/revocations';
import { checkTls, type TlsMaterial } from '@enjambre/common/trust/tls-material';
import { TlsStore, type TlsPaths } from '@enjambre/common/trust/tls-store';
import { EnjambreError } from '@enjambre/core/error';
import { checkHolder } from '@enjambre/core/trust/certified-identity';
import { readJoinToken } from '@enjambre/core/trust/join-token';
import { joinNetwork, renewCertificate, type IssuedCertificate } from '@enjambre/rpc/certificates';
import { Dialer } from '@enjambre/rpc/dialer';
import { tlsCredentials } from '@enjambre/rpc/tls-credentials';
import { loadIdentity } from './secrets.js';

const PUBLIC = 0o644;
/** After a renewal that failed. */
const RETRY_MS = 60_000;

export interface MembershipInit {
  readonly dataDir: string;
  readonly name: string;
  readonly trackers: readonly TcpAddress[];
  /** Join token. */
  readonly join: string | undefined;
  readonly log: Logger;
}

/**
 * The certificate of an agent that has joined a network, or joins it now with its token; undefined if it has neither. With
 * a token, an agent whose certificate cannot be used joins again. Throws `precondition` BAD_CERTIFICATE, and the errors of
 * {@link joinNetwork}.
 */
export async function openMembership(init: MembershipInit): Promise<ProgramTls | undefined> {
  const { dataDir, join: token, log } = init;
  if (!hasJoined(dataDir) && token === undefined) return undefined;
  const paths = memberPaths(dataDir);
  const identity = await loadIdentity(dataDir);
  const request = (): Promise<string> => requestFor(identity);
  const known = await opened(dataDir);
  if (known instanceof EnjambreError && token === undefined) throw orJoin(known);
  if (known instanceof TlsStore && token !== undefined)
    log.info(`the join token is not used: this agent is a member of ${known.current.identity.network}`);
  const store = known instanceof TlsStore ? known : await joined(init, identity, await request());
  return new Membership(store, { paths, addresses: init.trackers.map(formatAddress), request });
}

function orJoin({ code, reason, message }: EnjambreError): EnjambreError {
  const next = `or join again: print a token with "enjambre ca token", and start the agent with ${flagName('join')} TOKEN`;
  return new EnjambreError(code, reason, `${message}; ${next}`);
}

/** The certificate in the data folder, or why it cannot be used; undefined if there is none. */
async function opened(dataDir: string): Promise<TlsStore | EnjambreError | undefined> {
  if (!hasJoined(dataDir)) return undefined;
  return TlsStore.open(memberPaths(dataDir)).catch((error: unknown) => {
    if (error instanceof EnjambreError) return error;
    throw error;
  });
}

/** Joins, and keeps the certificate once it is checked. */
async function joined(
  { dataDir, trackers, name, join: token = '', log }: MembershipInit,
  identity: PeerIdentity,
  signingRequest: string,
): Promise<TlsStore> {
  if (readJoinToken(token).terms.role !== 'agent') {
    const message = 'the join token is not for an agent: ask for one of "enjambre ca token"';
    throw new EnjambreError('invalid', 'BAD_JOIN_TOKEN', message);
  }
  const issued = await anyOf(trackers.map(formatAddress), (address) =>
    joinNetwork({ address, token, signingRequest, name }),
  );
  const paths = memberPaths(dataDir);
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

/** Its modules take long to load, and are needed once a week. */
async function requestFor(identity: PeerIdentity): Promise<string> {
  return (await import('@enjambre/common/trust/authority')).signingRequest(identity.toPem());
}

interface MembershipParts {
  readonly paths: TlsPaths;
  readonly addresses: readonly string[];
  readonly request: () => Promise<string>;
}

/** The certificate of a member, renewed by the tracker at two thirds of its lifetime. */
class Membership implements ProgramTls {
  readonly #dialer: Dialer;
  #retryAt = -Infinity;

  constructor(
    private readonly store: TlsStore,
    private readonly parts: MembershipParts,
  ) {
    this.#dialer = new Dialer({ credentials: tlsCredentials(store) });
  }

  get current(): TlsMaterial {
    return this.store.current;
  }

  get revocations(): Revocations {
    return this.store.revocations;
  }

  onChange(listener: () => void): void {
    this.store.onChange(listener);
  }

  async review(): Promise<boolean> {
    if (isDue(this.current, Date.now()) && performance.now() >= this.#retryAt) {
      this.#retryAt = performance.now() + RETRY_MS;
      const { addresses, request, paths } = this.parts;
      const csr = await request();
      const issued = await anyOf(addresses, (address) => renewCertificate(this.#dialer, address, csr));
      await writeMember(paths, issued);
    }
    return this.store.review();
  }
}

/** Writes a certificate to the folder of a member. */
export async function writeMember(
  { ca, cert }: TlsPaths,
  { authorities, certificate }: IssuedCertificate,
): Promise<void> {
  await mkdir(dirname(ca), { recursive: true, mode: 0o700 });
  await replaceFile(ca, authorities, PUBLIC);
  await replaceFile(cert, certificate, PUBLIC);
}

/** The first certificate of several trackers. Otherwise throws a refusal before the error of one that issues none. */
async function anyOf<T>(addresses: readonly string[], ask: (address: string) => Promise<T>): Promise<T> {
  const failures: EnjambreError[] = [];
  for (const address of addresses) {
    try {
      return await ask(address);
    } catch (error) {
      failures.push(explained(error, address));
    }
  }
  throw (
    failures.find(({ code }) => code !== 'unavailable' && code !== 'timeout') ?? failures[0] ?? noTracker()
  );
}

function noTracker(): EnjambreError {
  const message = `${flagName('join')} needs the address of a tracker: name it with ${flagName('tracker')}`;
  return new EnjambreError('invalid', 'BAD_OPTION', message);
}

function explained(error: unknown, address: string): EnjambreError {
  const known = EnjambreError.from(error);
  if (known.reason === 'UNIMPLEMENTED') {
    const message = `the tracker at ${address} issues no certificates: start it with ${flagName('ca')}, or name one that was`;
    return new EnjambreError('unavailable', 'NO_CA', message, { cause: error });
  }
  if (known.reason !== 'UNAVAILABLE' && known.reason !== 'TLS_FAILED') return known;
  const message = `no tracker with TLS answers at ${address}: check the address, and start it with ${flagName('ca')}`;
  return new EnjambreError('unavailable', 'TRACKER_UNREACHABLE', message, { cause: error });
}
