import { dirname, join as joinPath } from 'node:path';
import { AUTHORITIES_FILE, AuthorityLists } from '@enjambre/common/trust/authority-lists';
import { pemOf } from '@enjambre/common/trust/ca-chain';
import { isMember } from '@enjambre/common/trust/member-paths';
import { isDue, type ProgramTls } from '@enjambre/common/trust/program-tls';
import type { Revocations } from '@enjambre/common/trust/revocations';
import type { TlsMaterial } from '@enjambre/common/trust/tls-material';
import { TlsStore, type TlsPaths } from '@enjambre/common/trust/tls-store';
import { EnjambreError } from '@enjambre/core/error';
import { renewCertificate } from '../certificates.js';
import { Dialer } from '../dialer.js';
import { tlsCredentials } from '../tls-credentials.js';
import { anyOf } from './any-of.js';
import { join, orJoin, requestFor, writeCertificate, writeRoots, type Joining } from './joining.js';

/** After a renewal that failed. */
const RETRY_MS = 60_000;
/** When the CA was replaced, members renew their certificates within this time, not all at once. */
const REISSUE_WITHIN_MS = 20_000;

export interface MembershipInit extends Omit<Joining, 'identity'> {
  /** Join token. */
  readonly token: string | undefined;
  /** The key of the program, made if it has none. */
  readonly identity: () => Promise<Joining['identity']>;
}

/**
 * The certificate of a program that has joined a network, or joins it now with its token; undefined if it has neither.
 * With a token, a program whose certificate cannot be used joins again. Throws `precondition` BAD_CERTIFICATE, and the
 * errors of `joinNetwork`.
 */
export async function openMembership({
  token,
  identity: load,
  ...init
}: MembershipInit): Promise<ProgramTls | undefined> {
  const { paths, log } = init;
  if (!isMember(paths) && token === undefined) return undefined;
  const identity = await load();
  const joining = { ...init, identity };
  const known = await opened(paths);
  if (known instanceof EnjambreError && token === undefined) throw orJoin(known);
  if (known instanceof TlsStore && token !== undefined)
    log.info(`the join token is not used: this program is a member of ${known.current.identity.network}`);
  const store = known instanceof TlsStore ? known : await join(joining, token ?? '');
  const membership = new Membership(store, joining);
  await membership.authorityLists.review();
  return membership;
}

/** The certificate, or why it cannot be used; undefined if there is none. */
async function opened(paths: TlsPaths): Promise<TlsStore | EnjambreError | undefined> {
  if (!isMember(paths)) return undefined;
  return TlsStore.open(paths).catch((error: unknown) => {
    if (error instanceof EnjambreError) return error;
    throw error;
  });
}

/** The certificate of a member: renewed by the tracker at two thirds of its lifetime, and when the CA was replaced. */
class Membership implements ProgramTls {
  readonly #dialer: Dialer;
  readonly authorityLists: AuthorityLists;
  #notBefore = -Infinity;
  #isReplaced = false;

  constructor(
    private readonly store: TlsStore,
    private readonly parts: Omit<Joining, 'role' | 'name' | 'log'>,
  ) {
    this.#dialer = new Dialer({ credentials: tlsCredentials(store) });
    this.authorityLists = new AuthorityLists({
      file: joinPath(dirname(parts.paths.ca), AUTHORITIES_FILE),
      network: store.current.identity.network,
      trusted: () => this.current.authorities,
    });
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
    const hasNewRoots = await this.#adoptRoots();
    if (this.#needsCertificate() && performance.now() >= this.#notBefore) {
      this.#notBefore = performance.now() + RETRY_MS;
      const { trackers, identity, paths } = this.parts;
      const csr = await requestFor(identity);
      const issued = await anyOf(trackers, (address) => renewCertificate(this.#dialer, address, csr));
      await writeCertificate(paths, issued.certificate);
    }
    return (await this.store.review()) || hasNewRoots;
  }

  #needsCertificate(): boolean {
    const [issuing] = this.current.authorities;
    const isReplaced = this.authorityLists.certificates !== undefined && this.current.root !== issuing;
    if (isReplaced && !this.#isReplaced)
      this.#notBefore = performance.now() + Math.random() * REISSUE_WITHIN_MS;
    this.#isReplaced = isReplaced;
    return isReplaced || isDue(this.current, Date.now());
  }

  /** Trusts the roots of the newest list. True if they are others than before. */
  async #adoptRoots(): Promise<boolean> {
    const roots = this.authorityLists.certificates;
    if (!roots || pemOf(roots) === pemOf(this.current.authorities)) return false;
    if (roots.every(({ fingerprint256 }) => fingerprint256 !== this.current.root.fingerprint256)) {
      const message =
        'the CA that has signed it was replaced, and is no longer trusted in its network: join again';
      throw orJoin(new EnjambreError('precondition', 'BAD_CERTIFICATE', message));
    }
    await this.authorityLists.keep();
    await writeRoots(this.parts.paths, pemOf(roots));
    return this.store.review();
  }
}
