import { createPublicKey, type X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { requestedKey, type Authority } from '@enjambre/common/trust/authority';
import { checkToken, refused } from '@enjambre/common/trust/join-tokens';
import { EnjambreError } from '@enjambre/core/error';
import { checkHolder, type CertifiedIdentity } from '@enjambre/core/trust/certified-identity';
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

/** Issues certificates with the CA in a folder. */
export class Issuer {
  readonly #tokens: TokenFile;

  /**
   * @param folder for the uses of tokens
   * @param clock milliseconds since 1970
   */
  constructor(
    private readonly authority: Authority,
    folder: string,
    private readonly clock: () => number,
  ) {
    this.#tokens = new TokenFile(join(folder, USED_TOKENS_FILE));
  }

  /** The certificate of the CA, in PEM. */
  get authorities(): string {
    return this.authority.pem;
  }

  /** A first certificate, for a join token. Throws as the service of proto/enjambre/trust says. */
  async join(token: string, request: string, name: string): Promise<Issued> {
    const now = this.clock();
    const terms = checkToken(token, this.authorities, now);
    const key = await keyIn(request);
    const { role, names } = terms;
    if (role !== 'agent')
      throw refused('the join token is not for an agent: issue a certificate with "enjambre ca issue"');
    const identity = { network: this.authority.network, role, names, peerId: peerIdOf(createPublicKey(key)) };
    checkHolder(identity, { id: identity.peerId, name });
    await this.#tokens.use(terms, identity.peerId, now);
    return this.#issue(key, identity);
  }

  /**
   * The next certificate, with the same role and names and for the same key. Throws `denied` NOT_RENEWABLE,
   * `unauthenticated` NO_CERTIFICATE, `invalid` BAD_SIGNING_REQUEST.
   */
  async renew(request: string, identity: CertifiedIdentity, certificate: X509Certificate): Promise<Issued> {
    if (!identity.renewable) throw notRenewable();
    // The connection may be older than that.
    if (Date.parse(certificate.validTo) <= this.clock()) throw expired();
    const key = await keyIn(request);
    if (!createPublicKey(key).equals(certificate.publicKey)) {
      const message =
        'the signing request is for another key than that of the certificate: join again to change the key';
      throw new EnjambreError('invalid', 'BAD_SIGNING_REQUEST', message);
    }
    return this.#issue(key, identity);
  }

  async #issue(key: string, { role, names }: CertifiedIdentity): Promise<Issued> {
    const validity = { now: this.clock(), ttlMs: TTL_MS };
    const certificate = await this.authority.issue(
      key,
      { role, names, peerId: undefined, renewable: true },
      validity,
    );
    return { certificate, authorities: this.authorities };
  }
}

function notRenewable(): EnjambreError {
  const message =
    'only the certificate of an agent that joined with a token is renewed: issue a new one with "enjambre ca issue"';
  return new EnjambreError('denied', 'NOT_RENEWABLE', message);
}

function expired(): EnjambreError {
  const message = 'your certificate has expired: join again, with a new token';
  return new EnjambreError('unauthenticated', 'NO_CERTIFICATE', message);
}

function keyIn(request: string): Promise<string> {
  return requestedKey(request.slice(0, MAX_REQUEST_CHARS));
}
