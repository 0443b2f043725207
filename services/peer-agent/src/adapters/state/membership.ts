import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@enjambre/common/log/logger';
import { flagName } from '@enjambre/common/config/options';
import { formatAddress, type TcpAddress } from '@enjambre/common/config/address';
import type { PeerIdentity } from '@enjambre/common/identity/identity';
import { replaceFile } from '@enjambre/common/files/new-file';
import { isDue, type ProgramTls } from '@enjambre/common/trust/program-tls';
import { hasJoined, memberPaths } from '@enjambre/common/trust/member-paths';
import { TlsStore, type TlsPaths } from '@enjambre/common/trust/tls-store';
import type { TlsMaterial } from '@enjambre/common/trust/tls-material';
import { EnjambreError } from '@enjambre/core/error';
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
 * The certificate of an agent that has joined a network, or joins it now with its token; undefined if it has neither.
 * Throws `precondition` BAD_CERTIFICATE, and the errors of {@link joinNetwork}.
 */
export async function openMembership(init: MembershipInit): Promise<ProgramTls | undefined> {
  const paths = memberPaths(init.dataDir);
  const isMember = hasJoined(init.dataDir);
  if (!isMember && init.join === undefined) return undefined;
  const identity = await loadIdentity(init.dataDir);
  const request = (): Promise<string> => requestFor(identity);
  if (!isMember) await writeMember(paths, await joinAny(init, init.join ?? '', await request()));
  const addresses = init.trackers.map(formatAddress);
  return new Membership(await TlsStore.open(paths), { paths, addresses, request });
}

/** Its modules take long to load, and are needed once a week. */
async function requestFor(identity: PeerIdentity): Promise<string> {
  return (await import('@enjambre/common/trust/authority')).signingRequest(identity.toPem());
}

async function joinAny(
  { trackers, name, log }: MembershipInit,
  token: string,
  request: string,
): Promise<IssuedCertificate> {
  const issued = await anyOf(trackers.map(formatAddress), (address) =>
    joinNetwork({ address, token, signingRequest: request, name }),
  );
  log.info('joined the network: certificate received');
  return issued;
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

  onChange(listener: () => void): void {
    this.store.onChange(listener);
  }

  async review(): Promise<boolean> {
    const now = Date.now();
    if (isDue(this.current, now) && now >= this.#retryAt) {
      this.#retryAt = now + RETRY_MS;
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
  await mkdir(join(ca, '..'), { recursive: true, mode: 0o700 });
  await replaceFile(ca, authorities, PUBLIC);
  await replaceFile(cert, certificate, PUBLIC);
}

/** The first answer of several trackers. Throws the error of the last one. */
async function anyOf<T>(addresses: readonly string[], ask: (address: string) => Promise<T>): Promise<T> {
  let failure = noTracker();
  for (const address of addresses) {
    try {
      return await ask(address);
    } catch (error) {
      failure = explained(error, address);
    }
  }
  throw failure;
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
  if (known.code !== 'unavailable' || known.reason !== 'UNAVAILABLE') return known;
  const message = `no tracker with TLS answers at ${address}: check the address, and start it with ${flagName('ca')}`;
  return new EnjambreError('unavailable', 'TRACKER_UNREACHABLE', message, { cause: error });
}
