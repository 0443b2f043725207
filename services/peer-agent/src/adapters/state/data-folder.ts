import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfo } from '@enjambre/core/metainfo-parse';
import { Serial } from '@enjambre/common/async/serial';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { errnoOf } from '@enjambre/common/system-error';
import writeFileAtomic from 'write-file-atomic';
import type { TransferArchive } from '../../app/ports.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { diskError } from '../disk/disk-errors.js';
import { makeFolder } from '../disk/make-folder.js';
import { syncFolder } from '../disk/sync-folder.js';
import { FactsFiles } from './facts-files.js';
import { FileProgressLog } from './progress-log.js';
import { rebuildRecords, type RebuildParts } from './rebuild.js';
import { setAside } from './set-aside.js';
import { readStatus, salvageStatus, writeStatus } from './status-file.js';

const STATUS_FILE = 'download_status.json';
const TRANSFERS = 'transfers';
/** As write-file-atomic names them. */
const TEMPORARY =
  /^(download_status\.json|inbox\.jsonl|bans\.json|identity\.pem|control\.token|[0-9a-f]{64}\.(torrent|bitfield|json))\.\d+$/;

export interface DataFolderInit {
  /** Where downloads of which no record is left may be. @default nowhere */
  readonly findDownload?: RebuildParts['findDownload'];
}

/** What the status file tells. */
interface Status {
  readonly records: readonly TransferRecord[];
  /** False if it is missing or cannot be read: then it names not all transfers. */
  readonly whole: boolean;
}

/**
 * The agent's data folder: `download_status.json`, and `transfers/` with the state of
 * each. A transfer exists if it has facts there (see {@link FactsFiles}) or is in the
 * status file, which knows more of it and is believed as far as it goes.
 */
export class DataFolder implements TransferArchive, Startable {
  readonly #progress = new Map<InfoHash, FileProgressLog>();
  readonly #facts: FactsFiles;
  /** What is written to say which transfers exist is written in order. */
  readonly #writing = new Serial();

  constructor(
    readonly path: string,
    private readonly log: Logger,
    private readonly init: DataFolderInit = {},
  ) {
    this.#facts = new FactsFiles(join(path, TRANSFERS), log);
  }

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
    const listing = await this.#facts.list();
    // What a crash kept from being removed.
    for (const infohash of this.#facts.removed) await this.remove(infohash);
    const { records, whole } = await this.#readStatus();
    const known = new Map(records.map((record) => [record.infohash, record]));
    // Older versions of ours wrote no facts.
    const missing = new Set([...listing.facts, ...(whole ? [] : listing.torrents)]);
    for (const infohash of [...known.keys(), ...this.#facts.removed]) missing.delete(infohash);
    for (const infohash of this.#facts.removed) known.delete(infohash);
    const rebuilt = missing.size === 0 ? [] : await this.#rebuild(missing, known.size, whole);
    return [...known.values(), ...rebuilt];
  }

  save(records: readonly TransferRecord[]): Promise<void> {
    return this.#write(async () => {
      const kept = await this.#facts.write(records);
      await writeFileAtomic(join(this.path, STATUS_FILE), writeStatus(kept));
      await syncFolder(this.path);
      await this.#facts.sweep(records);
    });
  }

  keep(infohash: InfoHash): void {
    this.#facts.keep(infohash);
  }

  disown(infohash: InfoHash): Promise<void> {
    return this.#write(() => this.#facts.disown(infohash));
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

  async #readStatus(): Promise<Status> {
    const file = join(this.path, STATUS_FILE);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return { records: [], whole: false };
      throw error;
    }
    try {
      return { records: readStatus(text), whole: true };
    } catch (error) {
      await setAside(file, error, this.log);
      return { records: salvageStatus(text), whole: false };
    }
  }

  /** Finds records for transfers that the status file does not name. */
  async #rebuild(
    missing: ReadonlySet<InfoHash>,
    known: number,
    whole: boolean,
  ): Promise<readonly TransferRecord[]> {
    const { findDownload = () => Promise.resolve(undefined) } = this.init;
    const { records, byFacts, byContent, lost } = await rebuildRecords(missing, {
      facts: (infohash) => this.#facts.read(infohash),
      metainfo: (infohash) => this.readMetainfo(infohash),
      progress: (infohash) => this.progress(infohash),
      findDownload,
      log: this.log,
    });
    const from = [
      ...(byFacts > 0 ? [`${byFacts} from ${TRANSFERS}/*.json`] : []),
      ...(byContent > 0 ? [`${byContent} from a .torrent and what the download folder holds`] : []),
    ].join(', ');
    const gap = whole ? `${STATUS_FILE} lacked transfers` : `${STATUS_FILE} was lost`;
    this.log.warn(
      { rebuilt: records.length, kept: known, lost },
      `${gap}: ${records.length} of ${missing.size} rebuilt${from === '' ? '' : ` (${from})`}; how many bytes of them came from and went to which peer is lost, and their content is checked before it is served`,
    );
    return records;
  }

  async #write(work: () => Promise<void>): Promise<void> {
    try {
      await this.#writing.run(work);
    } catch (error) {
      throw diskError(error, this.path, 'other');
    }
  }

  #torrent(infohash: InfoHash): string {
    return join(this.path, TRANSFERS, `${infohash}.torrent`);
  }
}
