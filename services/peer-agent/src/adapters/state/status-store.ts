import { open, readFile, rename } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { join } from 'node:path';
import { Serial } from '@enjambre/common/async/serial';
import type { Logger } from '@enjambre/common/log/logger';
import { errnoOf } from '@enjambre/common/system-error';
import type { InfoHash } from '@enjambre/core/ids';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { syncFolder } from '@enjambre/common/files/sync-folder';
import { setAside } from './set-aside.js';
import {
  entryText,
  journalLine,
  readJournalLine,
  readStatus,
  removalLine,
  salvageStatus,
  statusText,
} from './status-file.js';
import { StatusJournal } from './status-journal.js';

export const STATUS_FILE = 'download_status.json';

/** The status file is written when nothing has changed for this time; longer for a large file. */
const LEAST_QUIET_MS = 1000;
const MOST_QUIET_MS = 30_000;
/** Maximum average write rate of a large status file, in bytes per millisecond. */
const REWRITE_BYTES_PER_MS = 2000;
/** Under constant change, the file is written after this many quiet times. */
const MOST_QUIET_TIMES = 5;
/** It is also written when the journal has grown by this much, and by more than twice the status file. */
const LEAST_JOURNAL_BYTES = 4 << 20;
/** Written at once. */
const CHUNK_BYTES = 1 << 18;

/** The combined content of status file and journals. */
export interface Status {
  readonly records: readonly TransferRecord[];
  /** False if the status file is missing or unreadable: it then does not list all transfers. */
  readonly whole: boolean;
}

interface Entry {
  readonly name: string;
  /** The entry as written to the status file. */
  readonly text: string;
}

export interface StatusStoreInit {
  /** @default 1 s, longer for a large file */
  readonly quietMs?: number;
}

/**
 * The records of all transfers: `download_status.json`, readable by people and loaded at the next start, and a journal
 * of the changes since it was written (ADR 13). The cost of a save depends on what it saves, not on the number of
 * transfers.
 */
export class StatusStore {
  readonly #journal: StatusJournal;
  readonly #entries = new Map<InfoHash, Entry>();
  /** Removed, and not recorded as removed yet. */
  readonly #gone = new Set<InfoHash>();
  /** Serializes appends and the rotation of the journal. */
  readonly #turns = new Serial();
  /** Length of the text of all entries. */
  #bytes = 0;
  /**
   * The existing status file was written by a version without journals: it must be replaced before a journal counts.
   */
  #foreign = false;
  #changed = { firstMs: 0, lastMs: 0, any: false };
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #complained = false;
  #closed = false;

  constructor(
    private readonly folder: string,
    private readonly log: Logger,
    private readonly init: StatusStoreInit = {},
  ) {
    this.#journal = new StatusJournal(folder);
  }

  async load(): Promise<Status> {
    const { records, whole, journal } = await this.#readStatus();
    const numbers = await this.#journal.list(journal);
    // An older version wrote the status file after these journals: they are outdated.
    this.#foreign = whole && journal === undefined;
    const from = this.#foreign ? Infinity : (journal ?? 0);
    await this.#journal.removeBefore(from);
    const known = new Map(records.map((record) => [record.infohash, record]));
    for (const number of numbers) if (number >= from) await this.#replay(number, known);
    this.#entries.clear();
    this.#bytes = 0;
    for (const record of known.values()) this.#note(record, entryText(record));
    if (numbers.some((number) => number >= from)) this.#touch();
    return { records: [...known.values()], whole };
  }

  /**
   * Resolves when these records, and the removals by {@link forget}, survive any crash; returns the removed transfers.
   */
  save(records: readonly TransferRecord[]): Promise<readonly InfoHash[]> {
    return this.#turns.run(async () => {
      if (this.#foreign) await this.#write();
      this.#foreign = false;
      const changed = records
        .map((record) => ({ record, text: entryText(record) }))
        .filter(({ record, text }) => this.#entries.get(record.infohash)?.text !== text);
      for (const { infohash } of records) this.#gone.delete(infohash);
      const gone = [...this.#gone];
      await this.#journal.append([
        ...gone.map(removalLine),
        ...changed.map(({ record }) => journalLine(record)),
      ]);
      for (const infohash of gone) this.#gone.delete(infohash);
      for (const { record, text } of changed) this.#note(record, text);
      if (changed.length + gone.length > 0) this.#touch();
      return gone;
    });
  }

  /** The transfer no longer exists; recorded with the next save. */
  forget(infohash: InfoHash): void {
    this.#bytes -= this.#entries.get(infohash)?.text.length ?? 0;
    this.#entries.delete(infohash);
    this.#gone.add(infohash);
  }

  /** Brings the status file up to date, and stops writing. */
  async stop(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#writing;
    if (this.#changed.any) await this.#rewrite();
    await this.#turns.run(() => this.#journal.rotate());
  }

  async #readStatus(): Promise<Status & { readonly journal: number | undefined }> {
    const file = join(this.folder, STATUS_FILE);
    let text: string;
    try {
      text = await readFile(file, 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return { records: [], whole: false, journal: undefined };
      throw error;
    }
    try {
      return { ...readStatus(text), whole: true };
    } catch (error) {
      await setAside(file, error, this.log);
      return { records: salvageStatus(text), whole: false, journal: undefined };
    }
  }

  async #replay(number: number, known: Map<InfoHash, TransferRecord>): Promise<void> {
    const { lines, torn } = await this.#journal.read(number);
    let lost = 0;
    for (const line of lines) {
      const change = readJournalLine(line);
      if (!change) lost += 1;
      else if ('removed' in change) known.delete(change.removed);
      else known.set(change.record.infohash, change.record);
    }
    // One torn line is what a crash leaves of a save that was never confirmed.
    if (lost > 0 || torn > 1)
      this.log.warn(
        { line_count: lines.length, lost_count: lost + torn },
        'lines of the status journal cannot be read',
      );
  }

  #note({ infohash, name }: TransferRecord, text: string): void {
    this.#bytes += text.length - (this.#entries.get(infohash)?.text.length ?? 0);
    this.#entries.set(infohash, { name, text });
  }

  get #quietMs(): number {
    const { quietMs = LEAST_QUIET_MS } = this.init;
    return Math.max(quietMs, Math.min(MOST_QUIET_MS, this.#bytes / REWRITE_BYTES_PER_MS));
  }

  #touch(): void {
    const nowMs = performance.now();
    const { any, firstMs } = this.#changed;
    this.#changed = { any: true, firstMs: any ? firstMs : nowMs, lastMs: nowMs };
    if (this.#journal.bytes > Math.max(LEAST_JOURNAL_BYTES, 2 * this.#bytes)) this.#begin();
    else this.#wait();
  }

  #wait(): void {
    if (this.#timer || this.#writing || this.#closed) return;
    const { firstMs, lastMs } = this.#changed;
    const dueMs = Math.min(lastMs + this.#quietMs, firstMs + MOST_QUIET_TIMES * this.#quietMs);
    const waitMs = dueMs - performance.now();
    if (waitMs <= 0) {
      this.#begin();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#wait();
    }, waitMs).unref();
  }

  #begin(): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing ??= this.#rewrite().finally(() => {
      this.#writing = undefined;
      if (this.#changed.any) this.#wait();
    });
  }

  /** Never rejects: until it succeeds, the journal has what the status file lacks. */
  async #rewrite(): Promise<void> {
    try {
      await this.#write(await this.#turns.run(() => this.#journal.rotate()));
      this.#complained = false;
    } catch (error) {
      const nowMs = performance.now();
      this.#changed = { any: true, firstMs: nowMs, lastMs: nowMs };
      if (!this.#complained) this.log.error({ err: error }, `${STATUS_FILE} cannot be written`);
      this.#complained = true;
    }
  }

  /**
   * Writes the status file. Changes made meanwhile are in the journal with this number or a later one, which is
   * replayed over the file whether the file includes them or not.
   */
  async #write(journal = this.#journal.number): Promise<void> {
    this.#changed.any = false;
    const path = join(this.folder, STATUS_FILE);
    const temporary = `${path}.${process.pid}`;
    const file = await open(temporary, 'w');
    try {
      let chunk = '';
      for (const text of statusText(this.#sorted(), journal)) {
        chunk += text;
        if (chunk.length < CHUNK_BYTES) continue;
        await file.appendFile(chunk);
        await nextTurn();
        chunk = '';
      }
      await file.appendFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(this.folder);
    await this.#journal.removeBefore(journal);
  }

  *#sorted(): Iterable<string> {
    const entries = [...this.#entries.values()];
    entries.sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name)));
    for (const { text } of entries) yield text;
  }
}
