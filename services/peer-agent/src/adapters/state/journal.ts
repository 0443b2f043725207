import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { Serial } from '@enjambre/common/async/serial';

const ENTRY_BYTES = 4;

/** Pieces noted within this time are written together: at 500 MB/s a killed process loses 5 MB this way. */
const DELAY_MS = 10;

/** A file of piece numbers, four bytes each (little endian), appended as they arrive and never synced. */
export class Journal {
  #file: FileHandle | undefined;
  #unwritten: number[] = [];
  readonly #serial = new Serial();
  #scheduled = false;

  constructor(readonly path: string) {}

  /** The pieces in the file; a truncated entry is ignored. */
  async read(): Promise<number[]> {
    const bytes = await readIfThere(this.path);
    const pieces: number[] = [];
    for (let at = 0; at + ENTRY_BYTES <= bytes.length; at += ENTRY_BYTES) pieces.push(bytes.readUInt32LE(at));
    return pieces;
  }

  /** Appends within {@link DELAY_MS}. A failed write only costs a second download of some pieces. */
  append(piece: number): void {
    this.#unwritten.push(piece);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setTimeout(() => {
      this.#serial.run(() => this.#write()).catch(() => undefined);
    }, DELAY_MS);
  }

  /** Stops writing; the file remains. */
  close(): Promise<void> {
    return this.#serial.run(async () => {
      await this.#write();
      await this.#file?.close();
      this.#file = undefined;
    });
  }

  /** Deletes the file and all pending entries. */
  async clear(): Promise<void> {
    this.#unwritten = [];
    await this.close();
    await rm(this.path, { force: true });
  }

  async #write(): Promise<void> {
    this.#scheduled = false;
    const pieces = this.#unwritten;
    this.#unwritten = [];
    if (pieces.length === 0) return;
    const bytes = Buffer.alloc(pieces.length * ENTRY_BYTES);
    pieces.forEach((piece, index) => bytes.writeUInt32LE(piece, index * ENTRY_BYTES));
    const file = (this.#file ??= await open(this.path, 'a'));
    // A partial entry, left by a full disk or a killed process, would shift all later entries.
    const { size } = await file.stat();
    if (size % ENTRY_BYTES !== 0) await file.truncate(size - (size % ENTRY_BYTES));
    await file.appendFile(bytes);
  }
}

/** The content of a file; empty if it does not exist. */
export async function readIfThere(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
