import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfoSteps } from '@enjambre/core/metainfo-parse';
import { Serial } from '@enjambre/common/async/serial';
import { turns } from '@enjambre/common/async/turns';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import writeFileAtomic from 'write-file-atomic';
import type { TransferArchive } from '../../app/ports/archives.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { diskError } from '../disk/disk-errors.js';
import { makeFolder } from '../disk/make-folder.js';
import { FactsFiles } from './facts-files.js';
import { FileProgressLog } from './progress-log.js';
import { rebuildRecords, type RebuildParts } from './rebuild.js';
import { STATUS_FILE, StatusStore, type StatusStoreInit } from './status-store.js';

const TRANSFERS = 'transfers';
/** As write-file-atomic names them. */
const TEMPORARY =
  /^(download_status\.json|inbox\.jsonl|bans\.json|published\.json|identity\.pem|control\.token|[0-9a-f]{64}\.(torrent|bitfield|json))\.\d+$/;

export interface DataFolderInit extends StatusStoreInit {
  /** Finds the folder of a download without a record. @default none is found */
  readonly findDownload?: RebuildParts['findDownload'];
}

/**
 * The agent's data folder: `download_status.json`, and `transfers/` with the state of each transfer. A transfer exists
 * if it has facts there (see {@link FactsFiles}) or is in the status file, which has more details and takes precedence.
 */
export class DataFolder implements TransferArchive, Startable {
  readonly #progress = new Map<InfoHash, FileProgressLog>();
  readonly #facts: FactsFiles;
  readonly #status: StatusStore;
  /** Records to save next, together: saves requested meanwhile share the same syncs. */
  readonly #unsaved = new Map<InfoHash, TransferRecord>();
  #saving: Promise<void> | undefined;
  /** Serializes all writes that determine which transfers exist. */
  readonly #writing = new Serial();

  constructor(
    readonly path: string,
    private readonly log: Logger,
    private readonly init: DataFolderInit = {},
  ) {
    this.#facts = new FactsFiles(join(path, TRANSFERS), log);
    this.#status = new StatusStore(path, log, init);
  }

  /** Creates the folders, and deletes temporary files left by a crash. */
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
    await this.#writing.idle();
    await this.#status.stop();
  }

  async load(): Promise<TransferRecord[]> {
    const listing = await this.#facts.list();
    const { records, whole } = await this.#status.load();
    const known = new Map(records.map((record) => [record.infohash, record]));
    // Older versions wrote no facts.
    const missing = new Set([...listing.facts, ...(whole ? [] : listing.torrents)]);
    for (const infohash of [...known.keys(), ...this.#facts.removed]) missing.delete(infohash);
    for (const infohash of this.#facts.removed) known.delete(infohash);
    // Removals that a crash, or the disk, interrupted. If they fail again, the next start retries.
    for (const infohash of this.#facts.removed) {
      await this.remove(infohash).catch((error: unknown) => {
        this.log.warn(
          { err: error, file: { infohash } },
          'cannot delete the remaining files of a removed transfer',
        );
      });
    }
    const rebuilt = missing.size === 0 ? [] : await this.#rebuild(missing, known.size, whole);
    return [...known.values(), ...rebuilt];
  }

  save(records: readonly TransferRecord[]): Promise<void> {
    for (const record of records) this.#unsaved.set(record.infohash, record);
    this.#saving ??= this.#write(() => {
      this.#saving = undefined;
      const batch = [...this.#unsaved.values()];
      this.#unsaved.clear();
      return this.#save(batch);
    });
    return this.#saving;
  }

  keep(infohash: InfoHash): void {
    this.#facts.keep(infohash);
  }

  disown(infohash: InfoHash): Promise<void> {
    return this.#write(() => this.#facts.disown(infohash));
  }

  async readMetainfo(infohash: InfoHash): Promise<Metainfo | undefined> {
    try {
      const metainfo = await turns.run(parseMetainfoSteps(await readFile(this.#torrent(infohash))));
      return metainfo.infohash === infohash ? metainfo : undefined;
    } catch (error) {
      this.log.debug({ err: error, file: { infohash } }, 'no metainfo is stored');
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
    this.#status.forget(infohash);
    // The marker left by `disown` keeps it removed in any case; the marker is deleted once this save succeeds.
    await this.save([]).catch((error: unknown) => {
      this.log.debug({ err: error, file: { infohash } }, 'cannot record the removal yet');
    });
  }

  async #save(records: readonly TransferRecord[]): Promise<void> {
    const kept = await this.#facts.write(records);
    await this.#facts.sweep(await this.#status.save(kept));
  }

  /** Finds records for transfers that the status file does not list. */
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
      ...(byContent > 0 ? [`${byContent} from a .torrent and the content of the download folder`] : []),
    ].join(', ');
    const gap = whole ? `${STATUS_FILE} lacked transfers` : `${STATUS_FILE} was lost`;
    this.log.warn(
      { rebuilt_count: records.length, kept_count: known, lost_count: lost },
      `${gap}: ${records.length} of ${missing.size} rebuilt${from === '' ? '' : ` (${from})`}; their byte counts per peer are lost, and their content is verified before it is served`,
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
