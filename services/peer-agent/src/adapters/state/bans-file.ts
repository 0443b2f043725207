import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parsePeerId } from '@enjambre/core/ids';
import type { Logger } from '@enjambre/common/log/logger';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import type { BanArchive } from '../../app/ports/archives.js';
import type { Ban } from '../../domain/ban-list.js';
import { diskError } from '../disk/disk-errors.js';
import { syncFolder } from '@enjambre/common/files/sync-folder';
import { setAside } from './set-aside.js';

const BANS_FILE = 'bans.json';
const VERSION = 1;
const time = z.iso.datetime({ offset: true });

const banSchema = z.object({
  peer_id: z.string().transform((text) => parsePeerId(text)),
  name: z.string(),
  reason: z.string(),
  since: time,
  until: time,
});
const fileSchema = z.object({ version: z.literal(VERSION), bans: z.array(banSchema) });

/** `bans.json` in the data folder: the agent's bans, readable by people, and loaded at the next start. */
export class BansFile implements BanArchive {
  readonly #path: string;

  constructor(
    folder: string,
    private readonly log: Logger,
  ) {
    this.#path = join(folder, BANS_FILE);
  }

  async load(): Promise<Ban[]> {
    let text: string;
    try {
      text = await readFile(this.#path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    try {
      return readBans(text);
    } catch (error) {
      await setAside(this.#path, error, this.log);
      return [];
    }
  }

  async save(bans: readonly Ban[]): Promise<void> {
    try {
      await writeFileAtomic(this.#path, writeBans(bans), { mode: 0o600 });
      await syncFolder(dirname(this.#path));
    } catch (error) {
      throw diskError(error, this.#path, 'other');
    }
  }
}

/** Throws the reason if the file is torn or has another format. */
export function readBans(text: string): Ban[] {
  const parsed = fileSchema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`);
  }
  return parsed.data.bans.map(({ peer_id: peerId, name, reason, since, until }) => ({
    peerId,
    name,
    reason,
    sinceMs: Date.parse(since),
    untilMs: Date.parse(until),
  }));
}

export function writeBans(bans: readonly Ban[]): string {
  const entries: z.input<typeof banSchema>[] = bans.map(({ peerId, name, reason, sinceMs, untilMs }) => ({
    peer_id: peerId,
    name,
    reason,
    since: new Date(sinceMs).toISOString(),
    until: new Date(untilMs).toISOString(),
  }));
  return `${JSON.stringify({ version: VERSION, bans: entries }, null, 2)}\n`;
}
