import { sleep } from '@enjambre/common/async/sleep';
import type { Logger } from '@enjambre/common/log/logger';
import { jetStreamProblem, lacksStorage } from '@enjambre/common/nats/jetstream-problem';
import type { NatsLink } from '@enjambre/common/nats/nats-link';
import { NodePlacement, type NatsReplicas } from '@enjambre/common/nats/replicas';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import {
  NatsError,
  StorageType,
  type KV,
  type KvEntry,
  type NatsConnection,
  type QueuedIterator,
} from 'nats';
import type { StoreListener } from '../../app/ports.js';
import { mergeRecords, sameRecord, type FileRecord } from '../../domain/catalogue.js';
import {
  mergePublications,
  publicationKey,
  samePublication,
  type Publication,
} from '../../domain/publications.js';
import { CatalogueRoom, isFull, isNotStored } from './catalogue-room.js';
import { BUCKET } from './names.js';
import {
  decodePublication,
  decodeRecord,
  encodePublication,
  encodeRecord,
  isPublicationKey,
  keyOfPublication,
  parseKey,
} from './stored-record.js';

interface CatalogueBucketComponents {
  readonly link: NatsLink;
  readonly log: Logger;
}

interface CatalogueBucketInit {
  /** A record unused for this long is forgotten, in milliseconds. */
  readonly maxAgeMs: number;
  /** Storage limit of all records on NATS. */
  readonly maxBytes: number;
  readonly replicas: NatsReplicas;
}

/** A kind of record: how it is written, and merged with a stored one. */
interface Codec<Item> {
  readonly encode: (item: Item) => string;
  /** Throws any error if the value is malformed. */
  readonly decode: (key: string, value: Uint8Array) => Item;
  readonly merge: (present: Item, item: Item) => Item;
  readonly same: (one: Item, other: Item) => boolean;
}

const FILE: Codec<FileRecord> = {
  encode: encodeRecord,
  decode: decodeRecord,
  merge: mergeRecords,
  same: sameRecord,
};
const PUBLICATION: Codec<Publication> = {
  encode: encodePublication,
  decode: decodePublication,
  merge: mergePublications,
  same: samePublication,
};

type Listener = Pick<StoreListener, 'recorded' | 'published'>;

interface Following {
  /** False once the read is superseded. */
  readonly isCurrent: () => boolean;
  /** Called when all records have been read. */
  readonly read: () => void;
}

const STREAM = `KV_${BUCKET}`;
const MAX_RECORD_BYTES = 8192;
const TIMEOUT_MS = 5000;
const RETRY_MS = 1000;
/** Attempts to write a record that several trackers write at once; one of them succeeds in each round. */
const MAX_ATTEMPTS = 10;
/** Part of its time after which an entry that is still in use is written again. */
const OLD_AGE = 0.2;
/** JetStream's error code for a record that has changed since it was read. */
const WRONG_LAST_SEQUENCE = 10_071;

/** Records of files in a KV bucket: each tracker reads all of them and follows changes. */
export class CatalogueBucket {
  readonly #parts: CatalogueBucketComponents;
  readonly #init: CatalogueBucketInit;
  readonly #placement: NodePlacement;
  readonly #room: CatalogueRoom;
  readonly #known = new Set<InfoHash>();
  readonly #stopping = new AbortController();
  #entries: QueuedIterator<KvEntry> | undefined;
  /** Counts connections; work for an older one ends. */
  #attempt = 0;
  #kv: KV | undefined;
  #ignored = 0;
  #toldProblem = '';

  constructor(parts: CatalogueBucketComponents, init: CatalogueBucketInit) {
    this.#parts = parts;
    this.#init = init;
    this.#placement = new NodePlacement(init.replicas);
    this.#room = new CatalogueRoom(STREAM, init.maxBytes);
  }

  /** True while records can be stored and followed. */
  get ready(): boolean {
    return this.#kv !== undefined && this.#parts.link.connected;
  }

  get ignored(): number {
    return this.#ignored;
  }

  /** Reads all records and follows them, retrying until the next call. Resolves when all have been read. */
  follow(connection: NatsConnection, listener: Listener): Promise<void> {
    this.#attempt += 1;
    const attempt = this.#attempt;
    this.#kv = undefined;
    this.#entries?.stop();
    const isCurrent = (): boolean => attempt === this.#attempt && !this.#stopping.signal.aborted;
    return new Promise((read) => {
      void this.#followWhile(connection, listener, { isCurrent, read }).then(read);
    });
  }

  stop(): void {
    this.#stopping.abort();
    this.#entries?.stop();
  }

  keep(record: FileRecord): Promise<FileRecord> {
    return this.#keep(record.infohash, record, FILE);
  }

  keepPublication(publication: Publication): Promise<Publication> {
    return this.#keep(keyOfPublication(publicationKey(publication)), publication, PUBLICATION);
  }

  async forgetPublication(key: string): Promise<void> {
    await this.#use((kv) => kv.purge(keyOfPublication(key)));
  }

  async forget(infohash: InfoHash): Promise<void> {
    await this.#use((kv) => kv.purge(infohash));
  }

  async #keep<Item>(key: string, item: Item, codec: Codec<Item>): Promise<Item> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const standing = await this.#use((kv) => this.#tryKeep(kv, { key, item, codec }));
      if (standing) return standing;
    }
    throw away('other trackers keep changing the same record');
  }

  /** The stored record; undefined if another tracker was faster. */
  async #tryKeep<Item>(
    kv: KV,
    { key, item, codec }: { readonly key: string; readonly item: Item; readonly codec: Codec<Item> },
  ): Promise<Item | undefined> {
    try {
      const entry = await kv.get(key);
      const present = entry?.operation === 'PUT' ? this.#read(entry, codec) : undefined;
      if (entry && present) {
        const merged = codec.merge(present, item);
        if (!codec.same(merged, present) || this.#isOld(entry))
          await kv.update(key, codec.encode(merged), entry.revision);
        return merged;
      }
      if (entry) await kv.update(key, codec.encode(item), entry.revision);
      else await kv.create(key, codec.encode(item));
      return item;
    } catch (error) {
      if (error instanceof NatsError && error.api_error?.err_code === WRONG_LAST_SEQUENCE) return undefined;
      if (isFull(error) && (await this.#grow())) return undefined;
      throw error;
    }
  }

  /** NATS forgets an entry some time after it was last written. */
  #isOld({ created }: KvEntry): boolean {
    return Date.now() - created.getTime() > this.#init.maxAgeMs * OLD_AGE;
  }

  async #followWhile(connection: NatsConnection, listener: Listener, following: Following): Promise<void> {
    while (following.isCurrent()) {
      try {
        await this.#followOnce(connection, listener, following);
      } catch (error) {
        if (following.isCurrent()) this.#tellProblem(error);
      }
      await sleep(RETRY_MS, this.#stopping.signal);
    }
  }

  async #followOnce(
    connection: NatsConnection,
    listener: Listener,
    { isCurrent, read }: Following,
  ): Promise<void> {
    const kv = await this.#open(connection);
    const gone = new Set(this.#known);
    const allRead = (): void => {
      if (!isCurrent()) return;
      for (const infohash of gone) this.#tell(listener, infohash, undefined);
      this.#kv = kv;
      this.#toldProblem = '';
      read();
    };
    const entries = await kv.watch({ initializedFn: allRead });
    this.#entries = entries;
    if (!isCurrent()) entries.stop();
    for await (const entry of entries) {
      if (!isCurrent()) break;
      this.#hear(entry, listener, gone);
    }
    if (isCurrent()) this.#kv = undefined;
  }

  #hear(entry: KvEntry, listener: Listener, gone: Set<InfoHash>): void {
    const isThere = entry.operation === 'PUT';
    const infohash = parseKey(entry.key);
    if (infohash !== undefined) {
      gone.delete(infohash);
      this.#tell(listener, infohash, isThere ? this.#read(entry, FILE) : undefined);
    } else if (isThere && isPublicationKey(entry.key)) {
      const publication = this.#read(entry, PUBLICATION);
      if (publication) listener.published(publication);
    }
  }

  #tell(listener: Listener, infohash: InfoHash, record: FileRecord | undefined): void {
    if (record) this.#known.add(infohash);
    else this.#known.delete(infohash);
    listener.recorded(infohash, record);
  }

  async #open(connection: NatsConnection): Promise<KV> {
    const js = connection.jetstream({ timeout: TIMEOUT_MS });
    const make = (nodes: number): Promise<KV> =>
      js.views.kv(BUCKET, {
        description: 'Enjambre: files that were shared in the network, by infohash',
        history: 1,
        ttl: this.#init.maxAgeMs,
        max_bytes: this.#room.first,
        maxValueSize: MAX_RECORD_BYTES,
        timeout: TIMEOUT_MS,
        storage: StorageType.File,
        replicas: nodes,
        // Reads from the leader: a tracker must not act on outdated records.
        allow_direct: false,
      });
    const kv = await this.#placement.place({ connection, stream: STREAM, make });
    await this.#room.lower(await connection.jetstreamManager({ timeout: TIMEOUT_MS }));
    return kv;
  }

  /** Undefined for an invalid entry: any NATS client can write to the bucket. */
  #read<Item>(entry: KvEntry, { decode }: Codec<Item>): Item | undefined {
    try {
      return decode(entry.key, entry.value);
    } catch (error) {
      this.#ignored += 1;
      const { log } = this.#parts;
      log.warn({ err: error, key: entry.key }, 'a malformed entry of the catalogue is ignored');
      return undefined;
    }
  }

  async #use<T>(work: (kv: KV) => Promise<T>): Promise<T> {
    const kv = this.#kv;
    if (!kv || !this.ready) throw away('it is unreachable');
    try {
      return await work(kv);
    } catch (error) {
      if (!(error instanceof NatsError)) throw error;
      // The bucket may have been deleted: looks for it, and creates it again.
      if (!isNotStored(error) && !lacksStorage(error)) this.#entries?.stop();
      throw away(this.#problemOf(error));
    }
  }

  /** True if the storage limit was raised. */
  async #grow(): Promise<boolean> {
    const manager = await this.#parts.link.connection.jetstreamManager({ timeout: TIMEOUT_MS });
    const bytes = await this.#room.grow(manager);
    if (bytes !== undefined)
      this.#parts.log.info({ max_bytes: bytes }, 'the catalogue has more storage on NATS');
    return bytes !== undefined;
  }

  #problemOf(error: unknown): string {
    return isFull(error) ? this.#room.fullText : jetStreamProblem(error, this.#room.reservation);
  }

  #tellProblem(error: unknown): void {
    const problem = this.#problemOf(error);
    if (problem === this.#toldProblem) return;
    this.#toldProblem = problem;
    const { log } = this.#parts;
    log.warn(
      { err: error },
      `the catalogue cannot be stored on NATS: ${problem}; continuing without it, and retrying`,
    );
  }
}

function away(why: string): EnjambreError {
  return new EnjambreError('unavailable', 'STORE_AWAY', `NATS cannot store the catalogue: ${why}`);
}
