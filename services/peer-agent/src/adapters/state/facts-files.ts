import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '@enjambre/common/system-error';
import type { Logger } from '@enjambre/common/log/logger';
import { parseInfoHash, type InfoHash } from '@enjambre/core/ids';
import pLimit from 'p-limit';
import writeFileAtomic from 'write-file-atomic';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { syncFolder } from '@enjambre/common/files/sync-folder';
import { readIfThere } from './journal.js';
import { setAside } from './set-aside.js';
import { readFacts, writeFacts, type TransferFacts } from './transfer-facts.js';

/** Maximum number of files read or written concurrently. */
const AT_ONCE = 16;
const NAME = /^([0-9a-f]{64})\.(json|removed|torrent)$/;

/** The transfers that have files, by kind of file. */
export interface FileListing {
  readonly facts: ReadonlySet<InfoHash>;
  readonly torrents: ReadonlySet<InfoHash>;
}

/**
 * `INFOHASH.json` of each transfer: the source from which the status file is rebuilt. A removal starts by renaming it
 * to `INFOHASH.removed`: while that exists, the transfer does not, whatever else is on disk. The marker is deleted once
 * no other file mentions the transfer.
 */
export class FactsFiles {
  /** Content of each file that this process has written or read. */
  readonly #written = new Map<InfoHash, string>();
  readonly #marked = new Set<InfoHash>();
  readonly #disowned = new Set<InfoHash>();

  constructor(
    private readonly folder: string,
    private readonly log: Logger,
  ) {}

  /** Lists the files. Removals that were in progress when a process ended count as done. */
  async list(): Promise<FileListing> {
    const listing = { facts: new Set<InfoHash>(), torrents: new Set<InfoHash>() };
    const sets = { json: listing.facts, torrent: listing.torrents, removed: this.#marked };
    for (const name of await readdir(this.folder)) {
      const [, infohash = '', ending] = NAME.exec(name) ?? [];
      if (ending !== undefined) sets[ending as keyof typeof sets].add(parseInfoHash(infohash));
    }
    for (const infohash of this.#marked) this.#disowned.add(infohash);
    return listing;
  }

  /** Transfers whose removal has started. */
  get removed(): ReadonlySet<InfoHash> {
    return this.#marked;
  }

  /** Undefined if there are none; invalid ones are set aside. */
  async read(infohash: InfoHash): Promise<TransferFacts | undefined> {
    const path = this.#path(infohash);
    let text: string;
    try {
      text = await readFile(path, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    try {
      const facts = readFacts(text, infohash);
      this.#written.set(infohash, text);
      return facts;
    } catch (error) {
      await setAside(path, error, this.log);
      return undefined;
    }
  }

  /** Writes the facts that changed, and returns all records except those being removed. */
  async write(records: readonly TransferRecord[]): Promise<TransferRecord[]> {
    const kept = records.filter(({ infohash }) => !this.#disowned.has(infohash));
    const limit = pLimit(AT_ONCE);
    const written = await Promise.all(kept.map((record) => limit(() => this.#write(record))));
    // One sync for all: the new names, and those of metainfo written before, survive a crash of the machine as well.
    if (written.includes(true)) await syncFolder(this.folder);
    return kept;
  }

  /** The transfer exists, even if one with its infohash is being removed. */
  keep(infohash: InfoHash): void {
    this.#disowned.delete(infohash);
  }

  /** The transfer no longer exists, through any crash, until {@link keep}. */
  async disown(infohash: InfoHash): Promise<void> {
    try {
      // A rename, since it needs no disk space: removals free some.
      await rename(this.#path(infohash), this.#marker(infohash));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw error;
      await writeFile(this.#marker(infohash), '');
    }
    this.#written.delete(infohash);
    this.#marked.add(infohash);
    this.#disowned.add(infohash);
    await syncFolder(this.folder);
  }

  /** No other file mentions these transfers: deletes their removal markers. */
  async sweep(removed: readonly InfoHash[]): Promise<void> {
    for (const infohash of removed) {
      if (!this.#marked.has(infohash)) continue;
      await this.#unmark(infohash);
      this.#disowned.delete(infohash);
    }
  }

  /** True if the file had to be written. */
  async #write(record: TransferRecord): Promise<boolean> {
    const { infohash } = record;
    if (this.#marked.has(infohash)) await this.#unmark(infohash);
    const path = this.#path(infohash);
    const text = writeFacts(record);
    const before = this.#written.get(infohash) ?? (await readIfThere(path)).toString();
    this.#written.set(infohash, text);
    if (text === before) return false;
    await writeFileAtomic(path, text).catch((error: unknown) => {
      this.#written.delete(infohash);
      throw error;
    });
    return true;
  }

  async #unmark(infohash: InfoHash): Promise<void> {
    await rm(this.#marker(infohash), { force: true });
    this.#marked.delete(infohash);
  }

  #path(infohash: InfoHash): string {
    return join(this.folder, `${infohash}.json`);
  }

  #marker(infohash: InfoHash): string {
    return join(this.folder, `${infohash}.removed`);
  }
}
