import { join } from 'node:path';
import type { Role } from '@enjambre/core/trust/certified-identity';
import { PeerIdentity } from '../identity/identity.js';
import type { CaSource } from './ca-source.js';
import { isDue, type ProgramTls } from './program-tls.js';
import { REVOCATIONS_FILE, Revocations } from './revocations.js';
import { checkTls, type TlsMaterial } from './tls-material.js';

const TTL_MS = 7 * 86_400_000;

interface SelfIssuedInit {
  readonly ca: CaSource;
  readonly role: Role;
  /** @default a new key, which is never written to a disk */
  readonly key?: string;
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
}

interface Issued {
  readonly material: TlsMaterial;
  /** The CA and the roots with which it was issued. */
  readonly by: string;
}

/** The certificate of a program that has the CA: it issues and renews its own. */
export class SelfIssuedTls implements ProgramTls {
  readonly #listeners = new Set<() => void>();
  readonly #ca: CaSource;
  readonly #clock: () => number;
  readonly revocations: Revocations;

  private constructor(
    { ca, clock = Date.now }: SelfIssuedInit,
    private readonly issue: () => Promise<Issued>,
    private issued: Issued,
  ) {
    this.#ca = ca;
    this.#clock = clock;
    const files = [join(ca.folder, REVOCATIONS_FILE)];
    this.revocations = new Revocations({ files, authorities: () => this.current.authorities, clock });
  }

  static async create(init: SelfIssuedInit): Promise<SelfIssuedTls> {
    const { ca, role, key = PeerIdentity.generate().toPem(), clock = Date.now } = init;
    const publicKey = PeerIdentity.fromPem(key).publicPem();
    const issue = async (): Promise<Issued> => {
      const now = clock();
      const by = stateOf(ca);
      const about = { role, names: [], peerId: undefined };
      const cert = await ca.current.issue(publicKey, about, { now, ttlMs: TTL_MS });
      const file = (path: string, text: string) => ({ path, text });
      const files = {
        ca: file('ca.crt', ca.rootsPem),
        cert: file('its certificate', cert),
        key: file('its key', key),
      };
      return { material: checkTls(files, now), by };
    };
    const tls = new SelfIssuedTls(init, issue, await issue());
    await tls.revocations.review();
    return tls;
  }

  get current(): TlsMaterial {
    return this.issued.material;
  }

  get authorityLists(): CaSource['authorityLists'] {
    return this.#ca.authorityLists;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async review(): Promise<boolean> {
    await this.#ca.review();
    if (this.issued.by === stateOf(this.#ca) && !isDue(this.current, this.#clock())) return false;
    this.issued = await this.issue();
    for (const listener of this.#listeners) listener();
    return true;
  }
}

function stateOf(ca: CaSource): string {
  return ca.current.chain.issuer.fingerprint256 + ca.rootsPem;
}
