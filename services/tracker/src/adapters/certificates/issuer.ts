import { createPublicKey, type X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { requestedKey } from '@enjambre/common/trust/authority';
import type { CaSource } from '@enjambre/common/trust/ca-source';
import { checkToken, refused } from '@enjambre/common/trust/join-tokens';
import { recordIssued, recordOf } from '@enjambre/common/trust/issued-log';
import { systemErrorText } from '@enjambre/common/system-error';
import { NEW_KEY, type Revocations } from '@enjambre/common/trust/revocations';
import { EnjambreError } from '@enjambre/core/error';
import { checkHolder, mayJoin, type CertifiedIdentity } from '@enjambre/core/trust/certified-identity';
import { peerIdOf } from '@enjambre/common/identity/identity';
import { TokenFile } from './token-file.js';

/** Members renew at two thirds of it. */
const TTL_MS = 7 * 86_400_000;
const MAX_REQUEST_CHARS = 4096;
const USED_TOKENS_FILE = 'used-tokens.json';

export interface Issued {
  /** In PEM. */
  readonly certificate: string;
  readonly authorities: string;
}

interface IssuerInit {
  readonly revocations: Pick<Revocations, 'revokedAt'>;
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
}

/** The CA in a folder, where the uses of tokens and what it has issued are kept. */
export type IssuingCa = Pick<CaSource, 'current' | 'folder' | 'roots' | 'rootsPem' | 'authorityLists'>;

/** Issues certificates with the CA in a folder. */
export class Issuer {
  readonly #tokens: TokenFile;

  #shared: Pick<TokenFile, 'use'> | undefined;
  readonly #revocations: Pick<Revocations, 'revokedAt'>;
  readonly #clock: () => number;

  constructor(
    private readonly ca: IssuingCa,
    { revocations, clock = Date.now }: IssuerInit,
  ) {
    this.#tokens = new TokenFile(join(ca.folder, USED_TOKENS_FILE));
    this.#revocations = revocations;
    this.#clock = clock;
  }

  /** Counts the uses of tokens with other trackers. Before the first call. */
  shareUses(counter: Pick<TokenFile, 'use'>): void {
    this.#shared = counter;
  }

  /** The lists of roots that the CA has signed; empty if it was never replaced. */
  get authorityLists(): string {
    return this.ca.authorityLists.text;
  }

  /** The roots, in PEM. */
  get authorities(): string {
    return this.ca.rootsPem;
  }

  /** A first certificate, for a join token. Throws as the service of proto/enjambre/trust says. */
  async join(token: string, request: string, name: string): Promise<Issued> {
    const now = this.#clock();
    const { roots } = this.ca;
    const isRevoked = (ca: X509Certificate): boolean =>
      this.#revocations.revokedAt(ca, undefined) !== undefined;
    const terms = checkToken(token, { roots, now, isRevoked });
    const key = await keyIn(request);
    const { role, names, may } = terms;
    if (!mayJoin(role))
      throw refused(`nobody joins with the role ${role}: issue a certificate with "enjambre ca issue"`);
    const identity = {
      network: this.ca.current.network,
      role,
      names,
      may,
      peerId: peerIdOf(createPublicKey(key)),
    };
    checkHolder(identity, { id: identity.peerId, name });
    if (this.#revocations.revokedAt(NO_CERTIFICATE_YET, identity.peerId)) throw keyRevoked();
    // The file as well: the tracker may have counted without NATS before.
    await this.#shared?.use(terms, identity.peerId, now);
    await this.#tokens.use(terms, identity.peerId, now);
    return this.#issue(key, identity, name);
  }

  /**
   * The next certificate, with the same role, names and rights, and for the same key. Throws `denied` NOT_RENEWABLE,
   * `unauthenticated` NO_CERTIFICATE, `invalid` BAD_SIGNING_REQUEST.
   */
  async renew(request: string, identity: CertifiedIdentity, certificate: X509Certificate): Promise<Issued> {
    if (!identity.renewable) throw notRenewable();
    // The connection may be older than that.
    if (Date.parse(certificate.validTo) <= this.#clock()) throw expired();
    const key = await keyIn(request);
    if (!createPublicKey(key).equals(certificate.publicKey)) {
      const message =
        'the signing request is for another key than that of the certificate: join again to change the key';
      throw new EnjambreError('invalid', 'BAD_SIGNING_REQUEST', message);
    }
    return this.#issue(key, identity);
  }

  /** @param name what the holder said */
  async #issue(key: string, { role, names, may }: CertifiedIdentity, name?: string): Promise<Issued> {
    const validity = { now: this.#clock(), ttlMs: TTL_MS };
    const certificate = await this.ca.current.issue(
      key,
      { role, names, may, peerId: undefined, renewable: true },
      validity,
    );
    await recordIssued(this.ca.folder, recordOf(certificate, name)).catch((error: unknown) => {
      throw notRecorded(error);
    });
    return { certificate, authorities: this.authorities };
  }
}

/** Only the key counts. */
const NO_CERTIFICATE_YET = { serialNumber: '', issuer: '' };

function keyRevoked(): EnjambreError {
  const message = `the certificate of this agent was revoked, and its key cannot join again: ${NEW_KEY}`;
  return new EnjambreError('denied', 'CERTIFICATE_REVOKED', message);
}

/** The path is nothing for a client. */
function notRecorded(cause: unknown): EnjambreError {
  const message = `the tracker cannot record the certificate (${systemErrorText(cause)}): repair issued.jsonl beside its CA, then try again`;
  return new EnjambreError('unavailable', 'CA_UNAVAILABLE', message, { cause });
}

function notRenewable(): EnjambreError {
  const message =
    'only a certificate that was issued for a join token is renewed: issue a new one with "enjambre ca issue"';
  return new EnjambreError('denied', 'NOT_RENEWABLE', message);
}

function expired(): EnjambreError {
  const message = 'your certificate has expired: join again, with a new token';
  return new EnjambreError('unauthenticated', 'NO_CERTIFICATE', message);
}

function keyIn(request: string): Promise<string> {
  return requestedKey(request.slice(0, MAX_REQUEST_CHARS));
}
