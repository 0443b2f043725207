import type { InfoHash } from '@enjambre/core/ids';
import { sameSummary, type FileSummary } from './file-summary.js';
import type { FirstShare } from './claims.js';

/** A network's record of a file, kept even while no connected peer has it. */
export interface FileRecord {
  readonly infohash: InfoHash;
  readonly file: FileSummary;
  /** Absent while the file has only been downloaded. */
  readonly firstShare: FirstShare | undefined;
}

/** Stores the records that all trackers of a network share. */
export interface RecordKeeper {
  /**
   * Call it with this tracker's record; the shared record arrives later, unless the party has used up what it may store.
   *
   * @param party whose peer described the file; see `Session.party`
   */
  keep(record: FileRecord, party: string): void;
  forget(infohash: InfoHash): void;
}

export interface CatalogueOptions {
  /** False if a record is useless once no peer has the file. */
  readonly durable: boolean;
  /** Maximum number of records; a file beyond it is described by the first peer after each pause. */
  readonly maxRecords: number;
}

/** Merges two records of a file: the older description and the earliest recorded first share are kept. */
export function mergeRecords(older: FileRecord, newer: FileRecord): FileRecord {
  const firstShare = older.firstShare ?? newer.firstShare;
  return firstShare === older.firstShare ? older : { ...older, firstShare };
}

export function sameRecord(one: FileRecord, other: FileRecord): boolean {
  return (
    sameSummary(one.file, other.file) &&
    one.firstShare?.at === other.firstShare?.at &&
    one.firstShare?.by === other.firstShare?.by
  );
}

/** This tracker's copy of the network's records. */
export class Catalogue {
  readonly #records = new Map<InfoHash, FileRecord>();

  constructor(
    private readonly keeper: RecordKeeper,
    private readonly options: CatalogueOptions,
  ) {}

  get size(): number {
    return this.#records.size;
  }

  get(infohash: InfoHash): FileRecord | undefined {
    return this.#records.get(infohash);
  }

  infohashes(): Iterable<InfoHash> {
    return this.#records.keys();
  }

  /** Notes this tracker's description of a file; news for the network is stored. */
  note(record: FileRecord, party = ''): void {
    const known = this.#records.get(record.infohash);
    if (known && mergeRecords(known, record) === known) return;
    this.keeper.keep(record, party);
  }

  /** Applies the network's record; undefined if it was forgotten. */
  learn(infohash: InfoHash, record: FileRecord | undefined): void {
    if (!record) this.#records.delete(infohash);
    else if (this.#records.size < this.options.maxRecords || this.#records.has(infohash))
      this.#records.set(infohash, record);
  }

  /** No connected peer has the file, or a part of it. */
  unused(infohash: InfoHash): void {
    if (!this.options.durable) this.withdrawn(infohash);
  }

  /** The last peer that had it has withdrawn it. */
  withdrawn(infohash: InfoHash): void {
    if (this.#records.delete(infohash)) this.keeper.forget(infohash);
  }
}
