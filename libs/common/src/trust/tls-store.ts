import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { systemErrorText } from '../system-error.js';
import { exposureOf } from './private-key.js';
import type { ProgramTls } from './program-tls.js';
import { REVOCATIONS_FILE, Revocations } from './revocations.js';
import { checkTls, type PemFile, type TlsMaterial } from './tls-material.js';

/** Paths of the PEM files of a program. */
export interface TlsPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Names of the files in a folder, as Kubernetes and cert-manager name them. */
const IN_FOLDER: TlsPaths = { ca: 'ca.crt', cert: 'tls.crt', key: 'tls.key' };

/** The paths in a folder. */
export function tlsPathsIn(folder: string): TlsPaths {
  return {
    ca: join(folder, IN_FOLDER.ca),
    cert: join(folder, IN_FOLDER.cert),
    key: join(folder, IN_FOLDER.key),
  };
}

/** The credentials of a program, from files that may change. */
export class TlsStore implements ProgramTls {
  readonly #listeners = new Set<() => void>();
  readonly revocations: Revocations;

  private constructor(
    private readonly paths: TlsPaths,
    private material: TlsMaterial,
  ) {
    const files = [join(dirname(paths.cert), REVOCATIONS_FILE)];
    this.revocations = new Revocations({ files, authorities: () => this.material.authorities });
  }

  /** Reads and checks the files. Throws `precondition`, BAD_CERTIFICATE or BAD_REVOCATIONS. */
  static async open(paths: TlsPaths): Promise<TlsStore> {
    const store = new TlsStore(paths, await loadTls(paths));
    await store.revocations.review();
    return store;
  }

  get current(): TlsMaterial {
    return this.material;
  }

  /** Calls `listener` whenever {@link current} is replaced. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /**
   * Reads the files again. Returns true if they have changed. Throws `precondition` BAD_CERTIFICATE if they cannot be
   * used; then those that were read last stay in use.
   */
  async review(): Promise<boolean> {
    const next = await loadTls(this.paths);
    const { ca, cert, key } = this.material;
    if (next.ca === ca && next.cert === cert && next.key === key) return false;
    if (!isSame(next, this.material))
      throw bad('they are for another peer, role or network: restart the program');
    this.material = next;
    for (const listener of this.#listeners) listener();
    return true;
  }
}

/** Reads and checks the files once. Throws `precondition`, BAD_CERTIFICATE. */
export async function loadTls({ ca, cert, key }: TlsPaths): Promise<TlsMaterial> {
  const [caFile, certFile, keyFile] = await Promise.all([read(ca), read(cert), readKey(key)]);
  return checkTls({ ca: caFile, cert: certFile, key: keyFile }, Date.now());
}

/** A program stays who it is while it runs; its names may change. A CA is replaced by way of a file that has both. */
function isSame(next: TlsMaterial, current: TlsMaterial): boolean {
  const [one, other] = [next.identity, current.identity];
  const known = new Set(current.authorities.map(({ fingerprint256 }) => fingerprint256));
  const overlaps = next.authorities.some(({ fingerprint256 }) => known.has(fingerprint256));
  return overlaps && one.network === other.network && one.role === other.role && one.peerId === other.peerId;
}

async function readKey(path: string): Promise<PemFile> {
  const file = await read(path);
  const exposure = await exposureOf(path);
  if (exposure !== undefined) throw bad(exposure);
  return file;
}

async function read(path: string): Promise<PemFile> {
  try {
    return { path, text: await readFile(path, 'utf8') };
  } catch (error) {
    throw bad(`cannot read ${path}: ${systemErrorText(error)}`, error);
  }
}

function bad(message: string, cause?: unknown): EnjambreError {
  return new EnjambreError('precondition', 'BAD_CERTIFICATE', message, { cause });
}
