import { sleep } from '@enjambre/common/async/sleep';
import type { Logger } from '@enjambre/common/log/logger';
import type { NatsLink } from '@enjambre/common/nats/nats-link';
import type { NatsReplicas } from '@enjambre/common/nats/replicas';
import type { InfoHash } from '@enjambre/core/ids';
import type { StoreListener, TrackerStore } from '../../app/ports.js';
import type { FileRecord } from '../../domain/catalogue.js';
import type { Publication } from '../../domain/publications.js';
import type { ReplicaId, ReplicaMessage, Snapshot } from '../../domain/replica-state.js';
import { thisHost, type TrackerHost } from '../tracker-host.js';
import { CatalogueBucket } from './catalogue-bucket.js';
import type { ReplicaSeal } from './replica-seal.js';
import { ReplicaChannel } from './replica-channel.js';

export interface NatsStoreComponents {
  /** Started before this store, and stopped after it. */
  readonly link: NatsLink;
  readonly log: Logger;
  /** Signs the messages between trackers. @default they are not signed */
  readonly seal?: ReplicaSeal | undefined;
}

export interface NatsStoreInit {
  readonly id: ReplicaId;
  /** The tracker's host. @default this host */
  readonly host?: TrackerHost;
  /** Number of NATS nodes that store the catalogue. */
  readonly replicas: NatsReplicas;
  /** Storage limit of the catalogue on NATS. @default 256 MiB */
  readonly maxBytes?: number;
  /** Time that an unused record is kept. @default 30 days */
  readonly maxAgeMs?: number;
}

/** Enough for a million records with long names. */
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const DEFAULT_MAX_AGE_MS = 30 * 24 * 3_600_000;
/** NATS accepts 1 MiB by default; small messages do not delay others. */
const MAX_MESSAGE_BYTES = 128 * 1024;
/** The start waits this long for the records, then continues without them. */
const START_WAIT_MS = 2000;
/** Longest wait for NATS during a stop. */
const STOP_WAIT_MS = 1000;

/**
 * A network's store on NATS: records in a KV bucket, everything else as messages between connected trackers.
 */
export class NatsStore implements TrackerStore {
  readonly durable = true;
  readonly keptMs: number;
  readonly maxMessageBytes = MAX_MESSAGE_BYTES;
  readonly #link: NatsLink;
  readonly #bucket: CatalogueBucket;
  readonly #channel: ReplicaChannel;
  readonly #stopping = new AbortController();
  #listener: StoreListener | undefined;
  #unlisten: (() => void) | undefined;

  constructor(parts: NatsStoreComponents, init: NatsStoreInit) {
    const {
      id,
      host = thisHost(),
      replicas,
      maxAgeMs = DEFAULT_MAX_AGE_MS,
      maxBytes = DEFAULT_MAX_BYTES,
    } = init;
    this.#link = parts.link;
    this.keptMs = maxAgeMs;
    this.#bucket = new CatalogueBucket(parts, { maxAgeMs, maxBytes, replicas });
    this.#channel = new ReplicaChannel(parts, {
      id,
      host,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      heard: (message) => this.#listener?.heard(message),
      snapshot: () => this.#listener?.snapshot() ?? { sequence: 0, sessions: [] },
    });
  }

  get connected(): boolean {
    return this.#link.connected;
  }

  get available(): boolean {
    return this.connected && this.#bucket.ready;
  }

  get ignored(): number {
    return this.#channel.ignored + this.#bucket.ignored;
  }

  get refused(): ReadonlyMap<string, number> {
    return this.#channel.refused;
  }

  async start(listener: StoreListener): Promise<void> {
    this.#listener = listener;
    let read: Promise<void> | undefined;
    this.#unlisten = this.#link.onConnected((connection) => {
      this.#channel.open(connection);
      const reading = this.#bucket.follow(connection, listener).then(() => listener.reachable());
      read ??= reading;
      listener.reachable();
    });
    if (read) await Promise.race([read, sleep(START_WAIT_MS, this.#stopping.signal)]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#unlisten?.();
    this.#bucket.stop();
    this.#channel.close();
    this.#listener = undefined;
    if (!this.#link.connected) return;
    // Until NATS has removed the subscription, another tracker's request would time out instead of failing at
    // once.
    const told = new AbortController();
    const tell = (): void => told.abort();
    this.#link.connection.flush().then(tell, tell);
    await sleep(STOP_WAIT_MS, told.signal);
  }

  keep(record: FileRecord): Promise<FileRecord> {
    return this.#bucket.keep(record);
  }

  keepPublication(publication: Publication): Promise<Publication> {
    return this.#bucket.keepPublication(publication);
  }

  forgetPublication(key: string): Promise<void> {
    return this.#bucket.forgetPublication(key);
  }

  forget(infohash: InfoHash): Promise<void> {
    return this.#bucket.forget(infohash);
  }

  publish(message: ReplicaMessage): void {
    this.#channel.publish(message);
  }

  snapshotOf(replica: ReplicaId, signal: AbortSignal): Promise<Snapshot> {
    return this.#channel.snapshotOf(replica, signal);
  }
}
