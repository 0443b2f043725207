import type { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { normalSerial, readRevocationList, type RevocationList } from '@enjambre/core/trust/revocation-list';
import { readSignedTexts, writeSignedTexts, type SignedText } from '@enjambre/core/trust/signed-text';
import { replaceFile } from '../files/new-file.js';
import { errnoOf } from '../system-error.js';
import { signerOf } from './signed-by-ca.js';

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
  readonly #files: string[];
  /** The state in which each file was read. */
  readonly #seen = new Map<string, string>();
  #version = 0;

  constructor(private readonly init: RevocationsInit) {
    this.#files = [...init.files];
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
    if (!this.#files.includes(path)) this.#files.push(path);
  }

  /** Reads the files that have changed. Returns true if the lists have. Throws `precondition`, BAD_REVOCATIONS. */
  async review(): Promise<boolean> {
    let isNew = false;
    for (const path of this.#files) {
      const state = await stateOf(path);
      if (state === this.#seen.get(path)) continue;
      this.#seen.set(path, state);
      if (state === ABSENT) continue;
      try {
        isNew = this.take(await readFile(path, 'utf8')) || isNew;
      } catch (error) {
        throw damaged(path, error);
      }
    }
    return isNew;
  }

  /** Takes the newer lists of a text, and keeps them in the first file. Throws as {@link take}, and the system's errors. */
  async learn(text: string): Promise<boolean> {
    if (!this.take(text)) return false;
    const [path] = this.#files;
    if (path !== undefined) await replaceFile(path, this.text, PUBLIC);
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

/** The list that a CA has in its folder; undefined if it has revoked nothing. Throws `precondition`, BAD_REVOCATIONS. */
export async function readRevocations(path: string): Promise<readonly SignedText[]> {
  try {
    return readSignedTexts(await readFile(path, 'utf8'));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw damaged(path, error);
  }
}

/** Writes the lists of a folder. Throws the system's errors. */
export async function writeRevocations(path: string, lists: readonly SignedText[]): Promise<void> {
  await replaceFile(path, writeSignedTexts(lists), PUBLIC);
}

const ABSENT = 'absent';

async function stateOf(path: string): Promise<string> {
  try {
    const { ctimeMs, ino, size } = await stat(path);
    return `${ctimeMs} ${ino} ${size}`;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return ABSENT;
    throw damaged(path, error);
  }
}

/** Our intermediate CAs have their serial number in their name, which the certificates that they issue repeat. */
function issuerSerialIn(issuer: string): string {
  return normalSerial(/(?:^|\n)serialNumber=([0-9a-fA-F]+)(?:\n|$)/.exec(issuer)?.[1] ?? '');
}

function damaged(path: string, cause: unknown): EnjambreError {
  const message = `${path} holds no list of revoked certificates (${messageOf(cause)}): copy it again from the folder of the CA`;
  return new EnjambreError('precondition', 'BAD_REVOCATIONS', message, { cause });
}
