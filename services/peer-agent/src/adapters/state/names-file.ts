import { join } from 'node:path';
import { parsePeerId } from '@enjambre/core/ids';
import type { Logger } from '@enjambre/common/log/logger';
import { z } from 'zod';
import type { NameArchive } from '../../app/ports/archives.js';
import type { KnownName } from '../../domain/known-names.js';
import { ArchiveFile } from './archive-file.js';

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
export class NamesFile extends ArchiveFile<KnownName> implements NameArchive {
  constructor(folder: string, log: Logger) {
    super(join(folder, NAMES_FILE), { read: readNames, write: writeNames }, log);
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
