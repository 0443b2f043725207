import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import { mergePublications, publicationKey, type Publication } from '../../domain/publications.js';
import type { StoreListener, TrackerStore } from '../../app/ports.js';
import { mergeRecords, type FileRecord } from '../../domain/catalogue.js';
import type { ReplicaId, ReplicaMessage, Snapshot } from '../../domain/replica-state.js';

const MAX_MESSAGE_BYTES = 200_000;

/** State shared by the stores of trackers in one process. */
export class MemoryNetwork {
  readonly records = new Map<InfoHash, FileRecord>();
  readonly publications = new Map<string, Publication>();
  readonly stores = new Set<MemoryStore>();
}

/** A store in this process: for a single tracker, or for several in one process. */
export class MemoryStore implements TrackerStore {
  readonly durable: boolean = false;
  readonly keptMs: number | undefined = undefined;
  readonly maxMessageBytes = MAX_MESSAGE_BYTES;
  readonly ignored = 0;
  readonly refused = new Map<string, number>();
  #listener: StoreListener | undefined;

  /** @param network shared records and trackers. @default a new one */
  constructor(
    private readonly id: ReplicaId,
    private readonly network = new MemoryNetwork(),
  ) {}

  get connected(): boolean {
    return this.#listener !== undefined;
  }

  get available(): boolean {
    return this.connected;
  }

  start(listener: StoreListener): Promise<void> {
    this.#listener = listener;
    this.network.stores.add(this);
    listener.reachable();
    for (const [infohash, record] of this.network.records) listener.recorded(infohash, record);
    for (const publication of this.network.publications.values()) listener.published(publication);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.network.stores.delete(this);
    this.#listener = undefined;
    return Promise.resolve();
  }

  keep(record: FileRecord): Promise<FileRecord> {
    const { infohash } = record;
    const present = this.network.records.get(infohash);
    const standing = present ? mergeRecords(present, record) : record;
    this.network.records.set(infohash, standing);
    for (const { listener } of this.network.stores) listener?.recorded(infohash, standing);
    return Promise.resolve(standing);
  }

  forget(infohash: InfoHash): Promise<void> {
    if (!this.network.records.delete(infohash)) return Promise.resolve();
    for (const { listener } of this.network.stores) listener?.recorded(infohash, undefined);
    return Promise.resolve();
  }

  keepPublication(publication: Publication): Promise<Publication> {
    const key = publicationKey(publication);
    const present = this.network.publications.get(key);
    const standing = present ? mergePublications(present, publication) : publication;
    this.network.publications.set(key, standing);
    for (const { listener } of this.network.stores) listener?.published(standing);
    return Promise.resolve(standing);
  }

  forgetPublication(key: string): Promise<void> {
    this.network.publications.delete(key);
    return Promise.resolve();
  }

  publish(message: ReplicaMessage): void {
    for (const store of this.network.stores) if (store !== this) store.listener?.heard(message);
  }

  snapshotOf(replica: ReplicaId): Promise<Snapshot> {
    for (const { id, listener } of this.network.stores) {
      if (id === replica && listener) return Promise.resolve(listener.snapshot());
    }
    const message = 'there is no tracker with that id: it has stopped';
    return Promise.reject(new EnjambreError('unavailable', 'TRACKER_AWAY', message));
  }

  private get listener(): StoreListener | undefined {
    return this.#listener;
  }
}
