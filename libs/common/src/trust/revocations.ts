import type { X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { normalSerial, readRevocationList, type RevocationList } from '@enjambre/core/trust/revocation-list';
import { readSignedTexts, writeSignedTexts, type SignedText } from '@enjambre/core/trust/signed-text';
import { replaceFile } from '../files/new-file.js';
import { errnoOf } from '../system-error.js';
import { signerOf } from './signed-by-ca.js';
import { WatchedFile } from './watched-file.js';

/** The lists of revoked certificates in a folder with certificates. */
export const REVOCATIONS_FILE = 'revoked.json';

const PUBLIC = 0o644;

/** What the holder of a revoked certificate can do. */
export const NEW_KEY =
  'ask for a new join token, remove identity.pem and the folder tls from the data folder, and join with a new key';

/** The part of a certificate that a list can name. */
export interface RevocableCertificate {
  /** In hex digits, as Node has it. */
  readonly serialNumber: string;
  /** The name of the CA, as Node has it. */
  readonly issuer: string;
}

export interface RevocationsInit {
  /** Files with lists. What is learned later is kept in the first. */
  readonly files: readonly string[];
  /** The CAs that the program trusts now. */
  readonly authorities: () => readonly X509Certificate[];
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
}

interface KnownList {
  readonly text: SignedText;
  readonly list: RevocationList;
  readonly signer: X509Certificate;
}

/**
 * The certificates that the CAs of a network have revoked, from files and from other programs of the network. Only lists
 * that a trusted CA has signed count, and of each CA the one with the highest number.
 */
export class Revocations {
  /** By the fingerprint of the CA. */
  readonly #lists = new Map<string, KnownList>();
  readonly #peers = new Map<PeerId, Date>();
  readonly #serials = new Map<string, Date>();
  readonly #listeners = new Set<() => void>();
  readonly #files: WatchedFile[];
  /** The CAs with which the files were read. */
  #readWith = '';
  #version = 0;

  constructor(private readonly init: RevocationsInit) {
    this.#files = init.files.map((path) => new WatchedFile(path));
  }

  /** Changes with each change of the lists. */
  get version(): number {
    return this.#version;
  }

  /** How many revocations are in the lists. */
  get size(): number {
    return this.#peers.size + this.#serials.size;
  }

  /** All lists, as other programs of the network take them. */
  get text(): string {
    return writeSignedTexts([...this.#lists.values()].map(({ text }) => text));
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** When a certificate, the key of its peer or the CA that issued it was revoked; undefined if none of them was. */
  revokedAt(certificate: RevocableCertificate, peer: PeerId | undefined): Date | undefined {
    if (this.size === 0) return undefined;
    const byPeer = peer && this.#peers.get(peer);
    return (
      byPeer ?? this.#serialRevokedAt(certificate) ?? this.#serials.get(issuerSerialIn(certificate.issuer))
    );
  }

  /** Reads one more file, from the next {@link review} on. */
  addFile(path: string): void {
    this.#files.push(new WatchedFile(path));
  }

  /** Keeps what is learned in this file, and reads it as well: the folder of the certificate may be read-only. */
  keepIn(path: string): void {
    this.#files.unshift(new WatchedFile(path));
  }

  /** Reads the files that have changed. Returns true if the lists have. Throws `precondition`, BAD_REVOCATIONS. */
  async review(): Promise<boolean> {
    const authorities = this.init
      .authorities()
      .map(({ fingerprint256 }) => fingerprint256)
      .join();
    if (authorities !== this.#readWith) for (const file of this.#files) file.forget();
    this.#readWith = authorities;
    let isNew = false;
    for (const file of this.#files) {
      try {
        const text = await file.ifChanged();
        isNew = (text !== undefined && this.take(text)) || isNew;
      } catch (error) {
        throw damaged(file.path, error);
      }
    }
    return isNew;
  }

  /** Takes the newer lists of a text, and keeps them in the first file. Throws as {@link take}, and the system's errors. */
  async learn(text: string): Promise<boolean> {
    if (!this.take(text)) return false;
    const [file] = this.#files;
    if (!file) return true;
    await mkdir(dirname(file.path), { recursive: true, mode: 0o700 });
    await replaceFile(file.path, this.text, PUBLIC);
    return true;
  }

  /** Takes the newer lists of a text. Returns true if there are any. Throws `invalid`, BAD_SIGNED_LIST. */
  take(text: string): boolean {
    const proof = { authorities: this.init.authorities(), now: (this.init.clock ?? Date.now)() };
    let isNew = false;
    for (const each of readSignedTexts(text)) {
      const signer = signerOf(each, 'revocation list', proof);
      if (!signer) continue;
      const list = readRevocationList(each.signed);
      const known = this.#lists.get(signer.fingerprint256);
      if (known && known.list.number >= list.number) continue;
      this.#lists.set(signer.fingerprint256, { text: each, list, signer });
      isNew = true;
    }
    if (isNew) this.#apply();
    return isNew;
  }

  #apply(): void {
    this.#peers.clear();
    this.#serials.clear();
    for (const { list } of this.#lists.values())
      for (const { peer, serial, revokedAt } of list.revocations)
        if (peer === undefined) this.#serials.set(serial, new Date(revokedAt));
        else this.#peers.set(peer, new Date(revokedAt));
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }

  #serialRevokedAt({ serialNumber }: RevocableCertificate): Date | undefined {
    return this.#serials.get(normalSerial(serialNumber));
  }
}

/** The lists in a file of a CA; none without the file. Throws `precondition`, BAD_REVOCATIONS. */
export async function readSignedLists(path: string): Promise<readonly SignedText[]> {
  try {
    return readSignedTexts(await readFile(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw damaged(path, error);
  }
}

/** Writes the lists of a folder. Throws the system's errors. */
export async function writeSignedLists(path: string, lists: readonly SignedText[]): Promise<void> {
  await replaceFile(path, writeSignedTexts(lists), PUBLIC);
}

/** Our intermediate CAs have their serial number in their name, which the certificates that they issue repeat. */
function issuerSerialIn(issuer: string): string {
  return normalSerial(/(?:^|\n)serialNumber=([0-9a-fA-F]+)(?:\n|$)/.exec(issuer)?.[1] ?? '');
}

function damaged(path: string, cause: unknown): EnjambreError {
  const message = `${path} holds no list of revoked certificates (${messageOf(cause)}): copy it from the folder of the CA, or of another member`;
  return new EnjambreError('precondition', 'BAD_REVOCATIONS', message, { cause });
}
