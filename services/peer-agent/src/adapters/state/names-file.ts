import { dirname, join } from 'node:path';
import { parsePeerId } from '@enjambre/core/ids';
import type { Logger } from '@enjambre/common/log/logger';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { NameArchive } from '../../app/ports/archives.js';
import type { KnownName } from '../../domain/known-names.js';
import { diskError } from '../disk/disk-errors.js';
import { syncFolder } from '../disk/sync-folder.js';
import { readIfThere } from './journal.js';
import { setAside } from './set-aside.js';

const NAMES_FILE = 'names.json';
const VERSION = 1;

const fileSchema = z.object({
  version: z.literal(VERSION),
  /** Peer ids by name. */
  names: z.record(
    z.string().max(256),
    z.string().transform((text) => parsePeerId(text)),
  ),
});

/** `names.json` in the data folder: the peer that this agent met first under each name. */
export class NamesFile implements NameArchive {
  readonly #path: string;

  constructor(
    folder: string,
    private readonly log: Logger,
  ) {
    this.#path = join(folder, NAMES_FILE);
  }

  async load(): Promise<KnownName[]> {
    const text = (await readIfThere(this.#path)).toString('utf8');
    if (text === '') return [];
    try {
      return readNames(text);
    } catch (error) {
      await setAside(this.#path, error, this.log);
      return [];
    }
  }

  async save(known: readonly KnownName[]): Promise<void> {
    try {
      await writeFileAtomic(this.#path, writeNames(known), { mode: 0o600 });
      await syncFolder(dirname(this.#path));
    } catch (error) {
      throw diskError(error, this.#path, 'other');
    }
  }
}

/** Throws the reason if the file is torn or has another format. */
export function readNames(text: string): KnownName[] {
  return Object.entries(fileSchema.parse(JSON.parse(text)).names).map(([key, id]) => ({ key, id }));
}

export function writeNames(known: readonly KnownName[]): string {
  const names = Object.fromEntries(known.map(({ key, id }) => [key, id]));
  return `${JSON.stringify({ version: VERSION, names }, null, 2)}\n`;
}
