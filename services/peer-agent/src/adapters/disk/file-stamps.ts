import { createHash } from 'node:crypto';
import type { FileStamp } from '../../app/ports/sharing.js';

const FIELDS = 5;
/** Part of every fingerprint. Fingerprints of different versions are never equal: the content is then hashed. */
const VERSION = 'v2';

/** The stamp as text, for comparison. */
export function stampText({ size, mtimeNs, ctimeNs, ino, dev }: FileStamp): string {
  return `${size} ${mtimeNs} ${ctimeNs} ${ino} ${dev}`;
}

/** The stamps of all files of a transfer: 40 bytes each, since there may be 100,000. */
export class FileStamps {
  readonly #fields: BigInt64Array<ArrayBuffer>;
  #fingerprint: string | undefined;

  constructor(readonly count: number) {
    this.#fields = new BigInt64Array(count * FIELDS);
  }

  set(file: number, stamp: FileStamp): void {
    this.#fields.set(fieldsOf(stamp), file * FIELDS);
    this.#fingerprint = undefined;
  }

  /** True if the file is the same and was not written to. */
  matches(file: number, stamp: FileStamp): boolean {
    return fieldsOf(stamp).every((field, at) => this.#fields[file * FIELDS + at] === field);
  }

  /** A text that changes when any stamp does. */
  get fingerprint(): string {
    this.#fingerprint ??= `${VERSION}:${createHash('sha256').update(this.#fields).digest('hex')}`;
    return this.#fingerprint;
  }
}

/** Inode numbers may use all 64 bits. */
function fieldsOf({ size, mtimeNs, ctimeNs, ino, dev }: FileStamp): bigint[] {
  return [size, mtimeNs, ctimeNs, ino, dev].map((field) => BigInt.asIntN(64, field));
}
