import { createHash } from 'node:crypto';
import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Bitfield } from '@enjambre/core/bitfield';
import writeFileAtomic from 'write-file-atomic';
import type { ProgressLog } from '../../app/ports.js';
import { syncFolder } from '../disk/sync-folder.js';

const CHECKSUM_BYTES = 32;
const ENTRY_BYTES = 4;

/**
 * Two files for each download. `.bitfield` holds pieces whose data was synced before it
 * was written, with a SHA-256 at its end. `.journal` gets four bytes (little endian) for
 * each piece as it is verified: it is not synced, so after a crash its pieces are hashed
 * before they are believed, but a killed process loses nothing.
 */
export class FileProgressLog implements ProgressLog {
  /** Verified since the last `save` began. */
  #recent: number[] = [];
  #unwritten: number[] = [];
  #journal: FileHandle | undefined;
  #queue: Promise<void> = Promise.resolve();
  #scheduled = false;

  constructor(
    private readonly bitfieldPath: string,
    private readonly journalPath: string,
  ) {}

  async load(pieceCount: number): Promise<{ have: Bitfield; unsure: readonly number[] }> {
    const have = readBitfield(await readOr(this.bitfieldPath), pieceCount);
    const journal = await readOr(this.journalPath);
    const unsure = new Set<number>();
    for (let at = 0; at + ENTRY_BYTES <= journal.length; at += ENTRY_BYTES) {
      const piece = journal.readUInt32LE(at);
      if (piece < pieceCount && !have.has(piece)) unsure.add(piece);
    }
    return { have, unsure: [...unsure] };
  }

  note(piece: number): void {
    this.#recent.push(piece);
    this.#unwritten.push(piece);
    if (this.#scheduled) return;
    this.#scheduled = true;
    // A journal that cannot be written costs a second download of some pieces, no more.
    this.#enqueue(() => this.#append()).catch(() => undefined);
  }

  async save(have: Bitfield): Promise<void> {
    this.#recent = [];
    await this.#enqueue(async () => {
      const bits = Buffer.from(have.toBytes());
      await writeFileAtomic(this.bitfieldPath, Buffer.concat([bits, checksum(bits)]));
      await syncFolder(dirname(this.bitfieldPath));
      await this.#restart();
    });
  }

  /** Ends writing; the files stay. */
  async close(): Promise<void> {
    await this.#enqueue(async () => {
      await this.#journal?.close();
      this.#journal = undefined;
    });
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.bitfieldPath, { force: true });
    await rm(this.journalPath, { force: true });
  }

  /** Runs one file operation at a time; a failed one does not stop the next. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(work);
    this.#queue = done.catch(() => undefined);
    return done;
  }

  async #append(): Promise<void> {
    this.#scheduled = false;
    const pieces = this.#unwritten;
    this.#unwritten = [];
    if (pieces.length === 0) return;
    this.#journal ??= await open(this.journalPath, 'a');
    await this.#journal.appendFile(encode(pieces));
  }

  /** Begins the journal anew with what was verified while the bitfield was written. */
  async #restart(): Promise<void> {
    this.#unwritten = [...this.#recent];
    await this.#journal?.close();
    this.#journal = await open(this.journalPath, 'w');
    await this.#append();
  }
}

function encode(pieces: readonly number[]): Buffer {
  const bytes = Buffer.alloc(pieces.length * ENTRY_BYTES);
  pieces.forEach((piece, index) => bytes.writeUInt32LE(piece, index * ENTRY_BYTES));
  return bytes;
}

/** A bitfield that is torn, foreign or missing counts as empty. */
function readBitfield(file: Buffer, pieceCount: number): Bitfield {
  const bits = file.subarray(0, Math.max(0, file.length - CHECKSUM_BYTES));
  if (!checksum(bits).equals(file.subarray(bits.length))) return Bitfield.empty(pieceCount);
  try {
    return Bitfield.fromBytes(bits, pieceCount);
  } catch {
    return Bitfield.empty(pieceCount);
  }
}

function checksum(bits: Buffer): Buffer {
  return createHash('sha256').update(bits).digest();
}

async function readOr(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}
