import { dirname, join } from 'node:path';
import type { Logger } from '@enjambre/common/log/logger';
import { parseInfoHash } from '@enjambre/core/ids';
import { nameFault } from '@enjambre/core/names';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { PublishedName, PublishedNameArchive } from '../../app/ports/archives.js';
import { diskError } from '../disk/disk-errors.js';
import { syncFolder } from '../disk/sync-folder.js';
import { readIfThere } from './journal.js';
import { setAside } from './set-aside.js';
import { publishedFromEntry, publishedSchema, publishedToEntry } from './transfer-facts.js';

const PUBLISHED_FILE = 'published.json';
const VERSION = 1;

const entrySchema = publishedSchema.extend({
  name: z.string().refine((name) => nameFault(name) === undefined, 'not a name'),
  infohash: z.string().transform((text) => parseInfoHash(text)),
});
const fileSchema = z.object({ version: z.literal(VERSION), names: z.array(entrySchema) });

/** `published.json` in the data folder: the last version of names whose content was removed. */
export class PublishedFile implements PublishedNameArchive {
  readonly #path: string;

  constructor(
    folder: string,
    private readonly log: Logger,
  ) {
    this.#path = join(folder, PUBLISHED_FILE);
  }

  async load(): Promise<PublishedName[]> {
    const text = (await readIfThere(this.#path)).toString('utf8');
    if (text === '') return [];
    try {
      return readPublished(text);
    } catch (error) {
      await setAside(this.#path, error, this.log);
      return [];
    }
  }

  async save(names: readonly PublishedName[]): Promise<void> {
    try {
      await writeFileAtomic(this.#path, writePublished(names), { mode: 0o600 });
      await syncFolder(dirname(this.#path));
    } catch (error) {
      throw diskError(error, this.#path, 'other');
    }
  }
}

/** Throws the reason if the file is torn or has another format. */
export function readPublished(text: string): PublishedName[] {
  return fileSchema.parse(JSON.parse(text)).names.map(({ name, infohash, ...entry }) => {
    return { name, infohash, ...publishedFromEntry(entry) };
  });
}

export function writePublished(names: readonly PublishedName[]): string {
  const entries = names.map(({ name, infohash, ...its }) => ({ name, infohash, ...publishedToEntry(its) }));
  return `${JSON.stringify({ version: VERSION, names: entries }, null, 2)}\n`;
}
