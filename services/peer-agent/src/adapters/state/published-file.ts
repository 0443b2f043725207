import { join } from 'node:path';
import type { Logger } from '@enjambre/common/log/logger';
import { parseInfoHash } from '@enjambre/core/ids';
import { nameFault } from '@enjambre/core/names';
import { z } from 'zod';
import type { PublishedName, PublishedNameArchive } from '../../app/ports/archives.js';
import { ArchiveFile } from './archive-file.js';
import { publishedFromEntry, publishedSchema, publishedToEntry } from './transfer-facts.js';

const PUBLISHED_FILE = 'published.json';
const VERSION = 1;

const entrySchema = publishedSchema.extend({
  name: z.string().refine((name) => nameFault(name) === undefined, 'not a name'),
  infohash: z.string().transform((text) => parseInfoHash(text)),
});
const fileSchema = z.object({ version: z.literal(VERSION), names: z.array(entrySchema) });

/** `published.json` in the data folder: the last version of names whose content was removed. */
export class PublishedFile extends ArchiveFile<PublishedName> implements PublishedNameArchive {
  constructor(folder: string, log: Logger) {
    super(join(folder, PUBLISHED_FILE), { read: readPublished, write: writePublished }, log);
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
