import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfo } from '@enjambre/core/metainfo-parse';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import writeFileAtomic from 'write-file-atomic';
import type { TransferArchive } from '../../app/ports.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { diskError } from '../disk/disk-errors.js';
import { makeFolder } from '../disk/make-folder.js';
import { syncFolder } from '../disk/sync-folder.js';
import { FileProgressLog } from './progress-log.js';
import { setAside } from './set-aside.js';
import { readStatus, writeStatus } from './status-file.js';

const STATUS_FILE = 'download_status.json';
const TRANSFERS = 'transfers';
/** As write-file-atomic names them. */
const TEMPORARY = /^(download_status\.json|inbox\.jsonl|bans\.json|[0-9a-f]{64}\.(torrent|bitfield))\.\d+$/;

/** The agent's data folder: `download_status.json`, and `transfers/` with the state of each. */
export class DataFolder implements TransferArchive, Startable {
  readonly #progress = new Map<InfoHash, FileProgressLog>();

  constructor(
    readonly path: string,
    private readonly log: Logger,
  ) {}

  /** Makes the folders, and removes what a crash left of files that were being replaced. */
  async start(): Promise<void> {
    await makeFolder(join(this.path, TRANSFERS), 0o700);
    for (const folder of [this.path, join(this.path, TRANSFERS)]) {
      for (const name of await readdir(folder)) {
        if (TEMPORARY.test(name)) await rm(join(folder, name), { force: true });
      }
    }
  }

  async stop(): Promise<void> {
    for (const progress of this.#progress.values()) await progress.close();
  }

  async load(): Promise<TransferRecord[]> {
    const file = join(this.path, STATUS_FILE);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    try {
      return readStatus(text);
    } catch (error) {
      await setAside(file, error, this.log);
      return [];
    }
  }

  async save(records: readonly TransferRecord[]): Promise<void> {
    try {
      await writeFileAtomic(join(this.path, STATUS_FILE), writeStatus(records));
      await syncFolder(this.path);
    } catch (error) {
      throw diskError(error, this.path, 'other');
    }
  }

  async readMetainfo(infohash: InfoHash): Promise<Metainfo | undefined> {
    try {
      const metainfo = parseMetainfo(await readFile(this.#torrent(infohash)));
      return metainfo.infohash === infohash ? metainfo : undefined;
    } catch (error) {
      this.log.debug({ err: error, infohash }, 'no metainfo is kept');
      return undefined;
    }
  }

  async writeMetainfo(metainfo: Metainfo): Promise<void> {
    try {
      await writeFileAtomic(this.#torrent(metainfo.infohash), metainfo.bytes);
    } catch (error) {
      throw diskError(error, this.path, 'other');
    }
  }

  progress(infohash: InfoHash): FileProgressLog {
    let progress = this.#progress.get(infohash);
    if (!progress) {
      progress = new FileProgressLog(join(this.path, TRANSFERS, infohash));
      this.#progress.set(infohash, progress);
    }
    return progress;
  }

  async remove(infohash: InfoHash): Promise<void> {
    await this.progress(infohash).remove();
    this.#progress.delete(infohash);
    await rm(this.#torrent(infohash), { force: true });
  }

  #torrent(infohash: InfoHash): string {
    return join(this.path, TRANSFERS, `${infohash}.torrent`);
  }
}
