import { X509Certificate } from 'node:crypto';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { Authority, createAuthority } from '@enjambre/common/trust/authority';
import type { CaInFolder } from '@enjambre/common/trust/revoke';
import { Revocations } from '@enjambre/common/trust/revocations';
import { identityOf, type TlsMaterial } from '@enjambre/common/trust/tls-material';
import type { CertifiedIdentity } from '@enjambre/core/trust/certified-identity';

export const DAY_MS = 86_400_000;

export type Holder = Partial<Omit<CertifiedIdentity, 'network'>> & {
  /** @default a new one */
  readonly peer?: PeerIdentity;
  /** @default now */
  readonly issuedAt?: number;
  /** @default a day */
  readonly ttlMs?: number;
};

/** The files of one member of a test network. */
export interface Member {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A network with a CA, for tests. */
export class TestNetwork {
  private constructor(
    readonly ca: string,
    readonly key: string,
    private readonly authority: Authority,
  ) {}

  static async create(network = 'test'): Promise<TestNetwork> {
    const credential = await createAuthority(network, { now: Date.now(), ttlMs: 30 * DAY_MS });
    return new TestNetwork(credential.cert, credential.key, await Authority.open(credential));
  }

  /** This CA as if its files were in a folder. */
  inFolder(folder: string): CaInFolder {
    return { folder, ca: { cert: this.ca, key: this.key }, network: this.authority.network };
  }

  /** The certificate and key of a new member; an agent unless it says otherwise. */
  async member({
    peer = PeerIdentity.generate(),
    issuedAt = Date.now(),
    ttlMs = DAY_MS,
    ...who
  }: Holder = {}): Promise<Member> {
    const { role = 'agent', names = [], may } = who;
    const { peerId = role === 'agent' ? peer.peerId : undefined } = who;
    const cert = await this.authority.issue(
      peer.publicPem(),
      { role, names, may, peerId },
      { now: issuedAt, ttlMs },
    );
    return { ca: this.ca, cert, key: peer.toPem() };
  }
}

/** The material of a member, without any check. It changes when `renew` is called. */
export class MemberTls {
  readonly #listeners: (() => void)[] = [];
  current: TlsMaterial;
  readonly revocations = new Revocations({ files: [], authorities: () => this.current.authorities });

  constructor(member: Member) {
    this.current = materialOf(member);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  renew(member: Member): void {
    this.current = materialOf(member);
    for (const listener of this.#listeners) listener();
  }
}

function materialOf({ ca, cert, key }: Member): TlsMaterial {
  const leaf = new X509Certificate(cert);
  return {
    ca,
    cert,
    key,
    identity: identityOf(leaf),
    notBefore: new Date(leaf.validFrom),
    notAfter: new Date(leaf.validTo),
    root: new X509Certificate(ca),
    authorities: [new X509Certificate(ca)],
  };
}
