import type { Role } from '@enjambre/core/trust/certified-identity';
import { PeerIdentity } from '../identity/identity.js';
import type { Authority } from './authority.js';
import { isDue, type ProgramTls } from './program-tls.js';
import { Revocations } from './revocations.js';
import { checkTls, type TlsMaterial } from './tls-material.js';

const TTL_MS = 7 * 86_400_000;

interface SelfIssuedInit {
  readonly authority: Authority;
  readonly role: Role;
  /** @default a new key, which is never written to a disk */
  readonly key?: string;
  /** File with the lists of the CA. */
  readonly revocations: string;
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
}

/** The certificate of a program that has the CA: it issues and renews its own. */
export class SelfIssuedTls implements ProgramTls {
  readonly #listeners = new Set<() => void>();
  readonly revocations: Revocations;

  private constructor(
    private readonly issue: () => Promise<TlsMaterial>,
    private readonly clock: () => number,
    private material: TlsMaterial,
    file: string,
  ) {
    this.revocations = new Revocations({
      files: [file],
      authorities: () => this.material.authorities,
      clock,
    });
  }

  static async create({
    authority,
    role,
    revocations,
    key = PeerIdentity.generate().toPem(),
    clock = Date.now,
  }: SelfIssuedInit): Promise<SelfIssuedTls> {
    const publicKey = PeerIdentity.fromPem(key).publicPem();
    const issue = async (): Promise<TlsMaterial> => {
      const now = clock();
      const cert = await authority.issue(
        publicKey,
        { role, names: [], peerId: undefined },
        { now, ttlMs: TTL_MS },
      );
      const file = (path: string, text: string) => ({ path, text });
      const files = {
        ca: file('ca.crt', authority.roots),
        cert: file('its certificate', cert),
        key: file('its key', key),
      };
      return checkTls(files, now);
    };
    const tls = new SelfIssuedTls(issue, clock, await issue(), revocations);
    await tls.revocations.review();
    return tls;
  }

  get current(): TlsMaterial {
    return this.material;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  async review(): Promise<boolean> {
    if (!isDue(this.material, this.clock())) return false;
    this.material = await this.issue();
    for (const listener of this.#listeners) listener();
    return true;
  }
}
