import { dirname } from 'node:path';
import { syncFolder } from '@enjambre/common/files/sync-folder';
import type { Logger } from '@enjambre/common/log/logger';
import writeFileAtomic from 'write-file-atomic';
import { diskError } from '../disk/disk-errors.js';
import { readIfThere } from './journal.js';
import { setAside } from './set-aside.js';

/** How a list is written to a file. */
export interface ListFormat<T> {
  /** Throws the reason if the text is torn or has another format. */
  readonly read: (text: string) => T[];
  readonly write: (list: readonly T[]) => string;
}

/** A list in a file of the data folder that only its owner can read. A file that cannot be read as one is set aside. */
export class ArchiveFile<T> {
  constructor(
    private readonly path: string,
    private readonly format: ListFormat<T>,
    private readonly log: Logger,
  ) {}

  async load(): Promise<T[]> {
    const text = (await readIfThere(this.path)).toString('utf8');
    if (text === '') return [];
    try {
      return this.format.read(text);
    } catch (error) {
      await setAside(this.path, error, this.log);
      return [];
    }
  }

  async save(list: readonly T[]): Promise<void> {
    try {
      await writeFileAtomic(this.path, this.format.write(list), { mode: 0o600 });
      await syncFolder(dirname(this.path));
    } catch (error) {
      throw diskError(error, this.path, 'other');
    }
  }
}
