import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';
import { ensureStream } from '@enjambre/common/nats/ensure-stream';
import { jetStreamProblem, type Reservation } from '@enjambre/common/nats/jetstream-problem';
import type { NatsLink } from '@enjambre/common/nats/nats-link';
import { NodePlacement, type NatsReplicas } from '@enjambre/common/nats/replicas';
import { EnjambreError } from '@enjambre/core/error';
import { sleep } from '@enjambre/common/async/sleep';
import {
  DiscardPolicy,
  nanos,
  NatsError,
  RetentionPolicy,
  StorageType,
  type JetStreamClient,
  type JetStreamManager,
  type KV,
  type NatsConnection,
} from 'nats';
import { storeFull } from '../../domain/message.js';
import { BUCKET, STREAM, SUBJECTS } from './names.js';
import type { IdBase } from './numbering.js';

export interface JetStreamComponents {
  readonly log: Logger;
  /** Started before this object, and stopped after it. */
  readonly link: NatsLink;
}

export interface JetStreamOptions {
  readonly maxAgeMs: number;
  readonly maxBytes: number;
  /** Time that ids are remembered; at most the lifetime of messages. */
  readonly duplicateWindowMs: number;
  /** Number of NATS nodes that store the data. @default 'auto' */
  readonly replicas?: NatsReplicas;
}

/** JetStream, with the stream and the bucket ready. */
export interface JetStream {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly contacts: KV;
  readonly idBase: IdBase;
}

/** Retry interval while NATS is reachable but cannot store messages. */
const READY_RETRY_MS = 2000;
/** Timeout of requests to JetStream. */
const TIMEOUT_MS = 5000;
/** Ids reserved per millisecond: the ids of a recreated stream start above all ids of the previous one. */
const IDS_PER_MS = 1000;

/**
 * Access to JetStream: creates the stream and the bucket whenever NATS is reachable (again), and converts its
 * errors.
 */
export class JetStreamAccess implements Startable {
  readonly #link: NatsLink;
  readonly #log: Logger;
  readonly #options: JetStreamOptions;
  readonly #placement: NodePlacement;
  readonly #stopping = new AbortController();
  #ready: Promise<JetStream> | undefined;
  #isReady = false;
  #toldProblem = '';
  #unlisten: (() => void) | undefined;
  readonly #listeners = new Set<() => void>();

  constructor({ log, link }: JetStreamComponents, options: JetStreamOptions) {
    this.#options = options;
    this.#placement = new NodePlacement(options.replicas ?? 'auto');
    this.#log = log;
    this.#link = link;
  }

  /** True while messages can be stored. */
  get ready(): boolean {
    return this.#link.connected && this.#isReady;
  }

  /** Resolves when it is known whether messages can be stored, or without a connection to NATS. */
  async start(): Promise<void> {
    let first: Promise<void> | undefined;
    this.#unlisten = this.#link.onConnected(() => {
      this.#ready = undefined;
      this.#isReady = false;
      first = this.#becomeReady();
      for (const listener of [...this.#listeners]) listener();
    });
    await Promise.race([first, sleep(TIMEOUT_MS, this.#stopping.signal)]);
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    this.#unlisten?.();
    return Promise.resolve();
  }

  /** Calls `listener` after each reconnection to NATS. Returns a function that removes it. */
  onReconnected(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs `work`; failures of NATS become `unavailable` STORE_AWAY. */
  async use<T>(work: (jetStream: JetStream) => Promise<T>): Promise<T> {
    try {
      return await work(await this.#jetStream());
    } catch (error) {
      // The stream may have been deleted: it is created again the next time.
      if (error instanceof NatsError && !isFull(error)) this.#ready = undefined;
      throw away(error);
    }
  }

  /** Retries until ready, or until the connection changes; the first attempt decides the start. */
  async #becomeReady(): Promise<void> {
    const { connection } = this.#link;
    const { signal } = this.#stopping;
    const isCurrent = (): boolean =>
      !signal.aborted && this.#link.connected && this.#link.connection === connection;
    const again = async (): Promise<void> => {
      while ((await sleep(READY_RETRY_MS, signal)) && isCurrent() && !(await this.#tryReady())) continue;
    };
    if (!(await this.#tryReady()) && isCurrent()) void again();
  }

  async #tryReady(): Promise<boolean> {
    try {
      await this.#jetStream();
      return true;
    } catch (error) {
      const problem = jetStreamProblem(error, this.#reservation);
      if (problem !== this.#toldProblem) this.#log.error(`NATS cannot store messages: ${problem}`);
      this.#toldProblem = problem;
      return false;
    }
  }

  async #jetStream(): Promise<JetStream> {
    const { connection } = this.#link;
    const ready = (this.#ready ??= this.#prepare(connection));
    try {
      const jetStream = await ready;
      this.#isReady = true;
      this.#toldProblem = '';
      return jetStream;
    } catch (error) {
      if (this.#ready === ready) this.#ready = undefined;
      throw error;
    }
  }

  async #prepare(connection: NatsConnection): Promise<JetStream> {
    const jsm = await connection.jetstreamManager({ timeout: TIMEOUT_MS });
    const created = await this.#placement.place({
      connection,
      stream: STREAM,
      make: (nodes) => this.#ensureStream(jsm, nodes),
    });
    const js = connection.jetstream({ timeout: TIMEOUT_MS });
    const openBucket = (replicas: number): Promise<KV> =>
      js.views.kv(BUCKET, {
        description: 'Enjambre: agents, rooms and names that the messaging service knows',
        history: 1,
        timeout: TIMEOUT_MS,
        storage: StorageType.File,
        replicas,
      });
    const bucket = { connection, stream: `KV_${BUCKET}`, make: openBucket };
    const contacts = await this.#placement.place(bucket);
    return { connection, js, jsm, contacts, idBase: created * IDS_PER_MS };
  }

  /** Returns the creation time of the stream in milliseconds since 1970. */
  async #ensureStream(jsm: JetStreamManager, nodes: number): Promise<number> {
    const { maxAgeMs, maxBytes, duplicateWindowMs } = this.#options;
    const changeable = {
      subjects: SUBJECTS,
      description: 'Enjambre: messages between agents, by receiver',
      max_age: nanos(maxAgeMs),
      max_bytes: maxBytes,
      duplicate_window: nanos(Math.min(duplicateWindowMs, maxAgeMs)),
      // A message that waits for its receiver is never dropped for a newer one: room is made before.
      discard: DiscardPolicy.New,
    };
    const fixed = { retention: RetentionPolicy.Limits, storage: StorageType.File };
    const { created } = await ensureStream(jsm, {
      name: STREAM,
      // An existing stream keeps its number of nodes: the placement changes it.
      made: { num_replicas: nodes, ...fixed },
      kept: changeable,
      onRefused: (error) =>
        this.#log.warn(
          { err: error },
          `the message stream keeps its previous limits: ${jetStreamProblem(error, this.#reservation)}`,
        ),
    });
    return Date.parse(created);
  }

  get #reservation(): Reservation {
    return { what: 'messages', bytes: this.#options.maxBytes, setting: 'messageMaxBytes' };
  }
}

/** JetStream's error codes. */
const CONSUMER_NOT_FOUND = 10_014;
const MESSAGE_NOT_FOUND = 10_037;
const STREAM_FULL = 10_077;

/** Maps the error for a missing consumer or message to `undefined`. */
export async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isApiError(error, CONSUMER_NOT_FOUND) || isApiError(error, MESSAGE_NOT_FOUND)) return undefined;
    throw error;
  }
}

/** True if the stream has no room for a message. */
function isFull(error: unknown): boolean {
  return (
    isApiError(error, STREAM_FULL) || (error instanceof NatsError && /maximum bytes/i.test(error.message))
  );
}

function isApiError(error: unknown, code: number): boolean {
  return error instanceof NatsError && error.api_error?.err_code === code;
}

function away(error: unknown): unknown {
  if (isFull(error)) return storeFull();
  if (error instanceof EnjambreError || !(error instanceof NatsError)) return error;
  const message = `NATS cannot store or read messages: ${jetStreamProblem(error)}; then try again, a message with the same id`;
  return new EnjambreError('unavailable', 'STORE_AWAY', message, { cause: error });
}
