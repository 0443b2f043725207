import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Serial } from '@enjambre/common/async/serial';
import { Bitfield } from '@enjambre/core/bitfield';
import writeFileAtomic from 'write-file-atomic';
import type { ProgressLog } from '../../app/ports/archives.js';
import { diskError } from '../disk/disk-errors.js';
import { syncFolder } from '@enjambre/common/files/sync-folder';
import { Journal, readIfThere } from './journal.js';

const CHECKSUM_BYTES = 32;

/**
 * The progress files of one download. `.bitfield` holds pieces whose data was synced before it was written, with a
 * SHA-256 at its end. The journals hold pieces verified since: they are not synced, so after a crash their pieces are
 * hashed before they count, but a killed process loses nothing. Two journals alternate: pieces verified while a
 * bitfield is being saved go to the other journal, without waiting.
 */
export class FileProgressLog implements ProgressLog {
  readonly #bitfieldPath: string;
  readonly #journals: readonly [Journal, Journal];
  #current = 0;
  readonly #saving = new Serial();

  /** @param stem path of the files, without extensions */
  constructor(stem: string) {
    this.#bitfieldPath = `${stem}.bitfield`;
    this.#journals = [new Journal(`${stem}.journal`), new Journal(`${stem}.journal2`)];
  }

  async load(pieceCount: number): Promise<{ have: Bitfield; unsure: readonly number[] } | undefined> {
    const have = readBitfield(await readIfThere(this.#bitfieldPath), pieceCount);
    if (!have) return undefined;
    const noted = [...(await this.#journals[0].read()), ...(await this.#journals[1].read())];
    const unsure = new Set(noted.filter((piece) => piece < pieceCount && !have.has(piece)));
    return { have, unsure: [...unsure] };
  }

  note(piece: number): void {
    this.#journals[this.#current]?.append(piece);
  }

  save(have: Bitfield): Promise<void> {
    const bits = Buffer.from(have.toBytes());
    return this.#saving.run(() => this.#save(bits));
  }

  /** Stops writing; the files remain. */
  async close(): Promise<void> {
    await this.#saving.idle();
    for (const journal of this.#journals) await journal.close();
  }

  async clear(): Promise<void> {
    const paths = [this.#bitfieldPath, ...this.#journals.map(({ path }) => path)];
    const before = await Promise.all(paths.map(readIfThere));
    try {
      await this.remove();
      // Most downloads have claimed nothing: those need no sync.
      if (before.some(({ length }) => length > 0)) await syncFolder(dirname(this.#bitfieldPath));
    } catch (error) {
      throw diskError(error, this.#bitfieldPath, 'other');
    }
  }

  async remove(): Promise<void> {
    await this.#saving.idle();
    for (const journal of this.#journals) await journal.clear();
    await rm(this.#bitfieldPath, { force: true });
  }

  /**
   * All pieces in the older journal were verified before `bits` was taken, so it is deleted once they are on disk. The
   * current journal may hold pieces verified later, and remains.
   */
  async #save(bits: Buffer): Promise<void> {
    try {
      await writeFileAtomic(this.#bitfieldPath, Buffer.concat([bits, checksum(bits)]));
      await syncFolder(dirname(this.#bitfieldPath));
    } catch (error) {
      throw diskError(error, this.#bitfieldPath, 'other');
    }
    const older = 1 - this.#current;
    await this.#journals[older]?.clear();
    this.#current = older;
  }
}

/** Empty if there is no file; undefined if the file is torn or foreign. */
export function readBitfield(file: Buffer, pieceCount: number): Bitfield | undefined {
  if (file.length === 0) return Bitfield.empty(pieceCount);
  const bits = file.subarray(0, Math.max(0, file.length - CHECKSUM_BYTES));
  if (!checksum(bits).equals(file.subarray(bits.length))) return undefined;
  try {
    return Bitfield.fromBytes(bits, pieceCount);
  } catch {
    return undefined;
  }
}

export function checksum(bits: Buffer): Buffer {
  return createHash('sha256').update(bits).digest();
}
