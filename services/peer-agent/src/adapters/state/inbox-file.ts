import { open, truncate, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parsePeerId } from '@enjambre/core/ids';
import { Serial } from '@enjambre/common/async/serial';
import type { Logger } from '@enjambre/common/log/logger';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { InboxArchive } from '../../app/ports/archives.js';
import type { InboxEntry } from '../../domain/inbox.js';
import { diskError } from '../disk/disk-errors.js';
import { syncFolder } from '@enjambre/common/files/sync-folder';
import { readIfThere } from './journal.js';
import { setAside } from './set-aside.js';

const INBOX_FILE = 'inbox.jsonl';
const NEWLINE = 0x0a;

const target = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('peer'), peer: z.string() }),
  z.object({ kind: z.literal('room'), room: z.string() }),
  z.object({ kind: z.literal('everyone') }),
]);

const message = z.object({
  id: z.string().min(1),
  senderId: z.string().transform((text) => parsePeerId(text)),
  senderName: z.string(),
  target,
  targetName: z.string(),
  text: z.string(),
  sentAtMs: z.number(),
});

const entrySchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('received'),
    number: z.number().int().min(1),
    message,
    receivedAtMs: z.number(),
    deliveryId: z
      .string()
      .regex(/^\d{1,20}$/)
      .transform(BigInt),
  }),
  z.object({ type: z.literal('read'), numbers: z.array(z.number().int()) }),
  z.object({ type: z.literal('room'), room: z.string(), joined: z.boolean() }),
]);

/**
 * `inbox.jsonl` in the data folder: one entry per line, appended and synced before it counts. A last line that a crash
 * cut short is removed.
 */
export class InboxFile implements InboxArchive {
  readonly #path: string;
  readonly #serial = new Serial();
  #file: FileHandle | undefined;
  /** Bytes of whole lines, once the file is open. */
  #whole = 0;
  /** True if an append has failed, perhaps in the middle of a line. */
  #isTorn = false;

  constructor(
    folder: string,
    private readonly log: Logger,
  ) {
    this.#path = join(folder, INBOX_FILE);
  }

  async load(): Promise<InboxEntry[]> {
    const bytes = await readIfThere(this.#path);
    const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
    // Appended text must not continue a torn line.
    if (whole.length < bytes.length) await truncate(this.#path, whole.length);
    try {
      return readInbox(whole.toString('utf8'));
    } catch (error) {
      await setAside(this.#path, error, this.log);
      return [];
    }
  }

  append(entries: readonly InboxEntry[]): Promise<void> {
    return this.#write(async () => {
      const file = await this.#opened();
      const lines = Buffer.from(linesOf(entries));
      this.#isTorn = true;
      await file.appendFile(lines);
      await file.datasync();
      this.#isTorn = false;
      this.#whole += lines.length;
    });
  }

  replace(entries: Iterable<InboxEntry>): Promise<void> {
    return this.#write(async () => {
      await this.#closeFile();
      await writeFileAtomic(this.#path, linesOf(entries), { mode: 0o600 });
      await syncFolder(dirname(this.#path));
    });
  }

  close(): Promise<void> {
    return this.#serial.run(() => this.#closeFile());
  }

  #write(work: () => Promise<void>): Promise<void> {
    return this.#serial.run(async () => {
      try {
        await work();
      } catch (error) {
        throw diskError(error, this.#path, 'other');
      }
    });
  }

  /** Opens the file, and cuts off the remains of a failed append, as on a full disk. */
  async #opened(): Promise<FileHandle> {
    if (!this.#file) {
      this.#file = await open(this.#path, 'a', 0o600);
      this.#whole = (await this.#file.stat()).size;
    }
    if (this.#isTorn) await this.#file.truncate(this.#whole);
    this.#isTorn = false;
    return this.#file;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    if (file && this.#isTorn) await file.truncate(this.#whole);
    this.#isTorn = false;
    this.#file = undefined;
    await file?.close();
  }
}

/** Parses whole lines. Throws the reason if one of them has another format. */
export function readInbox(text: string): InboxEntry[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => entrySchema.parse(JSON.parse(line)));
}

export function linesOf(entries: Iterable<InboxEntry>): string {
  let text = '';
  for (const entry of entries) {
    text += `${JSON.stringify(entry, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`;
  }
  return text;
}
