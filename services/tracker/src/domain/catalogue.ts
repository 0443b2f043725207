import type { InfoHash } from '@enjambre/core/ids';
import { sameSummary, type FileSummary } from './file-summary.js';
import type { FirstShare } from './swarm.js';

/** What a network remembers of a file, also when no peer that has it is connected. */
export interface FileRecord {
  readonly infohash: InfoHash;
  readonly file: FileSummary;
  /** Absent as long as it was only downloaded. */
  readonly firstShare: FirstShare | undefined;
}

/** Keeps what all trackers of a network are to agree on. */
export interface RecordKeeper {
  /** To be called with what this tracker holds to be so; what stands is learnt later. */
  keep(record: FileRecord): void;
  forget(infohash: InfoHash): void;
}

export interface CatalogueOptions {
  /** False if a record is of no use once nobody has the file. */
  readonly durable: boolean;
  /** So many records are held; a file beyond them is described by who comes first after each pause. */
  readonly maxRecords: number;
}

/** What of two accounts of a file stands: the older description, and the first share that was noted. */
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

  /** Says how a file is described here; what is new to the network is kept. */
  note(record: FileRecord): void {
    const known = this.#records.get(record.infohash);
    if (known && mergeRecords(known, record) === known) return;
    this.keeper.keep(record);
  }

  /** Takes what stands in the network; undefined if it has forgotten the file. */
  learn(infohash: InfoHash, record: FileRecord | undefined): void {
    if (!record) this.#records.delete(infohash);
    else if (this.#records.size < this.options.maxRecords || this.#records.has(infohash))
      this.#records.set(infohash, record);
  }

  /** Nobody who has the file, or a part of it, is connected. */
  unused(infohash: InfoHash): void {
    if (!this.options.durable) this.withdrawn(infohash);
  }

  /** The last one who had it has taken it back. */
  withdrawn(infohash: InfoHash): void {
    if (this.#records.delete(infohash)) this.keeper.forget(infohash);
  }
}
