import { createReadStream } from 'node:fs';
import { open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { syncFolder } from '@enjambre/common/files/sync-folder';

const NAME = /^download_status\.([1-9]\d{0,14})\.jsonl$/;

/**
 * `download_status.N.jsonl` in the data folder: changes since the status file was written, one JSON object per line,
 * synced before they count. Files are numbered in ascending order and replayed in that order. A process never appends
 * to a file of another process, nor after a failed write: a torn line is always the last of its file.
 */
export class StatusJournal {
  #number = 1;
  #file: FileHandle | undefined;
  #bytes = 0;

  constructor(private readonly folder: string) {}

  /** Number of the current or next file. */
  get number(): number {
    return this.#number;
  }

  /** Bytes appended to that file. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Numbers of the existing files, ascending. Later appends go to a higher number than all of them, and than `after`.
   */
  async list(after = 0): Promise<number[]> {
    const numbers = await this.#numbers();
    this.#number = Math.max(after, this.#number, (numbers.at(-1) ?? 0) + 1);
    return numbers;
  }

  /** The lines of a file that are valid JSON; `torn` counts the others. */
  async read(number: number): Promise<{ readonly lines: readonly unknown[]; readonly torn: number }> {
    const lines: unknown[] = [];
    let torn = 0;
    const input = createReadStream(this.#path(number));
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      try {
        lines.push(JSON.parse(line));
      } catch {
        torn += 1;
      }
    }
    return { lines, torn };
  }

  /** Resolves when the objects survive a crash of the machine; after a failure, some of them may. */
  async append(objects: readonly object[]): Promise<void> {
    if (objects.length === 0) return;
    const text = objects.map((object) => `${JSON.stringify(object)}\n`).join('');
    try {
      const file = this.#file ?? (await this.#open());
      await file.appendFile(text);
      await file.datasync();
    } catch (error) {
      await this.rotate();
      throw error;
    }
    this.#bytes += Buffer.byteLength(text);
  }

  /** Ends the current file; later appends go to the next one, whose number is returned. */
  async rotate(): Promise<number> {
    const file = this.#file;
    this.#file = undefined;
    this.#bytes = 0;
    if (file) this.#number += 1;
    await file?.close().catch(() => undefined);
    return this.#number;
  }

  /** Removes all files with a lower number. */
  async removeBefore(number: number): Promise<void> {
    for (const found of await this.#numbers()) {
      if (found < number) await rm(this.#path(found), { force: true });
    }
  }

  async #numbers(): Promise<number[]> {
    const found = (await readdir(this.folder)).map((name) => Number(NAME.exec(name)?.[1] ?? 0));
    return found.filter((number) => number > 0).sort((a, b) => a - b);
  }

  async #open(): Promise<FileHandle> {
    this.#file = await open(this.#path(this.#number), 'a');
    await syncFolder(this.folder);
    return this.#file;
  }

  #path(number: number): string {
    return join(this.folder, `download_status.${number}.jsonl`);
  }
}
