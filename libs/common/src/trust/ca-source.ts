import type { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { Authority } from './authority.js';
import { AUTHORITIES_FILE, AuthorityLists } from './authority-lists.js';
import { pemOf } from './ca-chain.js';
import { readCa } from './ca-folder.js';

/** The CA in a folder, which may be replaced while a program runs. */
export class CaSource {
  readonly authorityLists: AuthorityLists;

  private constructor(
    readonly folder: string,
    private authority: Authority,
  ) {
    this.authorityLists = new AuthorityLists({
      file: join(folder, AUTHORITIES_FILE),
      network: authority.network,
      trusted: () => this.roots,
    });
  }

  /** Throws `precondition`, BAD_CA or BAD_AUTHORITIES. */
  static async open(folder: string): Promise<CaSource> {
    const source = new CaSource(folder, await Authority.open(await readCa(folder)));
    await source.authorityLists.review();
    return source;
  }

  /** The CA that issues. */
  get current(): Authority {
    return this.authority;
  }

  /** What members trust, the issuing root first. */
  get roots(): readonly X509Certificate[] {
    return this.authorityLists.certificates ?? this.authority.chain.roots;
  }

  /** The same in PEM. */
  get rootsPem(): string {
    return pemOf(this.roots);
  }

  /** Reads the folder again. Returns true if something has changed. Throws as {@link open}; then all stays as it was. */
  async review(): Promise<boolean> {
    const next = await Authority.open(await readCa(this.folder));
    const isNew = next.chain.issuer.fingerprint256 !== this.authority.chain.issuer.fingerprint256;
    const hasNewRoots = await this.authorityLists.review();
    this.authority = next;
    return isNew || hasNewRoots;
  }
}
