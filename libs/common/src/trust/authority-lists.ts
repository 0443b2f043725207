import { X509Certificate } from 'node:crypto';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import {
  authorityListText,
  readAuthorityList,
  type AuthorityList,
} from '@enjambre/core/trust/authority-list';
import { readSignedTexts, writeSignedTexts, type SignedText } from '@enjambre/core/trust/signed-text';
import { replaceFile } from '../files/new-file.js';
import type { Credential } from './authority.js';
import { certificateHash, signedBy, signerOf } from './signed-by-ca.js';
import { WatchedFile } from './watched-file.js';

/** In the folder of a CA, and of its members: the roots that members trust, while the CA is replaced and after that. */
export const AUTHORITIES_FILE = 'authorities.json';

const PUBLIC = 0o644;

export interface AuthorityListsInit {
  readonly file: string;
  readonly network: string;
  /** The roots that the program trusts now. */
  readonly trusted: () => readonly X509Certificate[];
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
}

interface KnownList {
  readonly list: AuthorityList;
  readonly certificates: readonly X509Certificate[];
  /** The same list, once for each CA that has signed it. */
  readonly texts: readonly SignedText[];
}

/** The roots of a network, as a root that is trusted already has signed them: so a CA is replaced. */
export class AuthorityLists {
  readonly #file: WatchedFile;
  readonly #listeners = new Set<() => void>();
  #known: KnownList | undefined;

  constructor(private readonly init: AuthorityListsInit) {
    this.#file = new WatchedFile(init.file);
  }

  /** For other programs of the network; empty if there is none. */
  get text(): string {
    return this.#known ? writeSignedTexts(this.#known.texts) : '';
  }

  /** The roots, the one that issues first; undefined if no list is known. */
  get certificates(): readonly X509Certificate[] | undefined {
    return this.#known?.certificates;
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Reads the file if it has changed. Returns true if the list has. Throws `precondition`, BAD_AUTHORITIES. */
  async review(): Promise<boolean> {
    try {
      const text = await this.#file.ifChanged();
      return text !== undefined && this.take(text);
    } catch (error) {
      const message = `${this.init.file} holds no list of CAs (${messageOf(error)}): copy it again from the folder of the CA`;
      throw new EnjambreError('precondition', 'BAD_AUTHORITIES', message, { cause: error });
    }
  }

  /** Keeps the list for the next start. Throws the system's errors. */
  async keep(): Promise<void> {
    await replaceFile(this.init.file, this.text, PUBLIC);
  }

  /** Takes a newer list, if a trusted root has signed it. Throws `invalid`, BAD_SIGNED_LIST. */
  take(text: string): boolean {
    if (text === '') return false;
    const texts = readSignedTexts(text);
    const list = newest(
      texts.filter((each) => this.#isVouchedFor(each)).map(({ signed }) => readAuthorityList(signed)),
    );
    if (!list || list.network !== this.init.network || list.number <= (this.#known?.list.number ?? 0))
      return false;
    const certificates = list.certificates.map((pem) => new X509Certificate(pem));
    const signed = authorityListText(list);
    this.#known = { list, certificates, texts: texts.filter((each) => each.signed === signed) };
    for (const listener of this.#listeners) listener();
    return true;
  }

  #isVouchedFor(text: SignedText): boolean {
    const authorities = this.init.trusted();
    const now = (this.init.clock ?? Date.now)();
    const signer = signerOf(text, 'authorities', { authorities, now });
    // An intermediate CA decides nothing about roots.
    return authorities.some(({ fingerprint256 }) => fingerprint256 === signer?.fingerprint256);
  }
}

/** Writes the list of a CA, signed by each of `by`, so that a member that trusts any of them takes it. */
export async function writeAuthorityList(
  path: string,
  list: Omit<AuthorityList, 'certificates'> & { readonly certificates: readonly X509Certificate[] },
  by: readonly Credential[],
): Promise<void> {
  const certificates = list.certificates.map((each) => each.toString());
  const text = authorityListText({ ...list, certificates });
  await replaceFile(path, writeSignedTexts(by.map((ca) => signedBy(ca, 'authorities', text))), PUBLIC);
}

/** True if one of the certificates of `some` is also one of `others`. */
export function overlap(some: readonly X509Certificate[], others: readonly X509Certificate[]): boolean {
  const hashes = new Set(others.map(certificateHash));
  return some.some((each) => hashes.has(certificateHash(each)));
}

function newest(lists: readonly AuthorityList[]): AuthorityList | undefined {
  return [...lists].sort((one, other) => other.number - one.number)[0];
}
