import type { Logger } from '@enjambre/common/log/logger';
import type { NatsLink } from '@enjambre/common/nats/nats-link';
import { EnjambreError } from '@enjambre/core/error';
import { TokenBucket } from '@enjambre/core/token-bucket';
import { ReplicaSnapshotRequest } from '@enjambre/proto/gen/enjambre/tracker/v1/replica';
import { createInbox, type Msg, type NatsConnection, type Subscription } from 'nats';
import { batchesOf } from '../../domain/batches.js';
import type { ReplicaId, ReplicaMessage, SessionState, Snapshot } from '../../domain/replica-state.js';
import type { TrackerHost } from '../tracker-host.js';
import { decodeMessage, decodePart, encodeMessage, encodePart } from './convert-replica.js';
import type { ReplicaSeal } from './replica-seal.js';
import { REPLICAS_SUBJECT, snapshotSubject } from './names.js';

interface ReplicaChannelComponents {
  readonly link: NatsLink;
  readonly log: Logger;
  /** Signs messages and verifies those of others. @default neither */
  readonly seal?: ReplicaSeal | undefined;
}

interface ReplicaChannelInit {
  readonly id: ReplicaId;
  readonly host: TrackerHost;
  readonly maxMessageBytes: number;
  readonly heard: (message: ReplicaMessage) => void;
  readonly snapshot: () => Snapshot;
}

/** Requesters retry at intervals; any NATS client can send requests, and answers are expensive. */
const ANSWERS = { perSecond: 4, burst: 16 };
/** Limit of a snapshot: 100 sessions with 100,000 memberships fit. */
const MAX_SNAPSHOT_BYTES = 1 << 30;
const NO_RESPONDERS = 503;
/** Minimum time between two log lines about ignored messages. */
const TELL_INTERVAL_MS = 10_000;

/** Messages between trackers, on NATS subjects that are not stored. */
export class ReplicaChannel {
  readonly #parts: ReplicaChannelComponents;
  readonly #init: ReplicaChannelInit;
  readonly #answers = new TokenBucket(ANSWERS, Math.floor(performance.now()));
  #connection: NatsConnection | undefined;
  #subscriptions: Subscription[] = [];
  #ignored = 0;
  readonly #refused = new Map<string, number>();
  #toldIgnoredAt = -Infinity;

  constructor(parts: ReplicaChannelComponents, init: ReplicaChannelInit) {
    this.#parts = parts;
    this.#init = init;
  }

  get ignored(): number {
    return this.#ignored;
  }

  /** Ignored messages by reason. */
  get refused(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  /** Subscribes on `connection`; the client resubscribes by itself after a loss of connection. */
  open(connection: NatsConnection): void {
    if (this.#connection === connection) return;
    this.close();
    this.#connection = connection;
    this.#subscriptions = [
      connection.subscribe(REPLICAS_SUBJECT, {
        callback: (error, message) => this.#onMessage(error, message),
      }),
      connection.subscribe(snapshotSubject(this.#init.id), {
        callback: (error, message) => void this.#onRequest(connection, error, message),
      }),
    ];
  }

  close(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    this.#connection = undefined;
  }

  publish(message: ReplicaMessage): void {
    const { link, log } = this.#parts;
    if (!link.connected) return;
    try {
      this.#send(link.connection, REPLICAS_SUBJECT, encodeMessage(message, this.#init.host));
    } catch (error) {
      log.warn({ err: error }, 'publish failed; the other trackers will request a snapshot');
    }
  }

  /** Throws `unavailable` TRACKER_AWAY, and the reason of `signal`. */
  async snapshotOf(replica: ReplicaId, signal: AbortSignal): Promise<Snapshot> {
    const { connection } = this.#parts.link;
    signal.throwIfAborted();
    const inbox = createInbox();
    const answer = new Answer(replica, this.#init.host);
    return new Promise<Snapshot>((resolve, reject) => {
      const end = (): void => {
        subscription.unsubscribe();
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        end();
        reject(away('it did not answer in time'));
      };
      const subscription = connection.subscribe(inbox, {
        callback: (error, message) => {
          try {
            if (error) throw error;
            if (!isNobody(message) && !this.#isSealed(message, inbox)) return;
            const snapshot = answer.add(message);
            if (!snapshot) return;
            end();
            resolve(snapshot);
          } catch (failure) {
            this.#ignore(message.subject, failure);
            end();
            reject(EnjambreError.from(failure));
          }
        },
      });
      signal.addEventListener('abort', onAbort, { once: true });
      const request = ReplicaSnapshotRequest.encode({ replicaId: replica }).finish();
      this.#send(connection, snapshotSubject(replica), request, inbox);
    });
  }

  /** False for a part of a stranger, which does not end the request. */
  #isSealed(message: Msg, inbox: string): boolean {
    try {
      this.#parts.seal?.check(message, inbox);
      return true;
    } catch (failure) {
      this.#ignore(message.subject, failure);
      return false;
    }
  }

  #send(connection: NatsConnection, subject: string, data: Uint8Array, reply?: string): void {
    const headers = this.#parts.seal?.headersFor({ subject, data, reply });
    connection.publish(subject, data, { ...(headers && { headers }), ...(reply !== undefined && { reply }) });
  }

  #onMessage(error: Error | null, received: Msg): void {
    const { subject, data } = received;
    try {
      if (error) throw error;
      const message = decodeMessage(data, this.#init.host);
      if (!message || message.replica === this.#init.id) return;
      this.#parts.seal?.check(received, message.replica);
      this.#init.heard(message);
    } catch (failure) {
      this.#ignore(subject, failure);
    }
  }

  async #onRequest(connection: NatsConnection, error: Error | null, received: Msg): Promise<void> {
    const { subject, data, reply } = received;
    try {
      if (error) throw error;
      this.#parts.seal?.check(received, `${subject} ${reply}`);
      const { replicaId } = ReplicaSnapshotRequest.decode(data);
      if (replicaId !== this.#init.id || !reply) throw away('the request is not for this tracker');
      if (this.#answers.take(Math.floor(performance.now())) > 0)
        throw away('there are too many requests at once');
      await this.#answer(connection, reply);
    } catch (failure) {
      this.#ignore(subject, failure);
    }
  }

  async #answer(connection: NatsConnection, reply: string): Promise<void> {
    const { id, host, maxMessageBytes, snapshot } = this.#init;
    const { sequence, sessions } = snapshot();
    const batches = [...batchesOf({ ended: [], sessions }, maxMessageBytes)];
    const parts = Math.max(1, batches.length);
    for (let part = 0; part < parts; part++) {
      const sessions = batches[part]?.sessions ?? [];
      this.#send(connection, reply, encodePart(id, { sequence, part, parts, sessions }, host));
      // As fast as NATS accepts it, with other messages in between.
      await connection.flush();
    }
  }

  #ignore(subject: string, error: unknown): void {
    this.#ignored += 1;
    const reason = error instanceof EnjambreError ? error.reason : 'MALFORMED';
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
    const now = performance.now();
    if (now - this.#toldIgnoredAt < TELL_INTERVAL_MS) return;
    this.#toldIgnoredAt = now;
    const { log } = this.#parts;
    log.warn(
      { err: error, subject, message_count: this.#ignored },
      error instanceof EnjambreError && error.code === 'denied'
        ? error.message
        : 'a malformed message between trackers is ignored',
    );
  }
}

/** Collects the parts of a snapshot. */
class Answer {
  readonly #parts = new Map<number, readonly SessionState[]>();
  #bytes = 0;
  #first: { readonly sequence: number; readonly parts: number } | undefined;

  constructor(
    private readonly replica: ReplicaId,
    private readonly host: TrackerHost,
  ) {}

  /** The complete snapshot, after its last part. Throws if it is malformed. */
  add(message: Msg): Snapshot | undefined {
    const { data } = message;
    if (isNobody(message)) throw away('it has stopped');
    this.#bytes += data.length;
    if (this.#bytes > MAX_SNAPSHOT_BYTES) throw away('its snapshot is too large');
    const { sequence, part, parts, sessions } = decodePart(this.replica, data, this.host);
    this.#first ??= { sequence, parts };
    if (parts !== this.#first.parts || sequence !== this.#first.sequence)
      throw away('its parts are from different snapshots');
    this.#parts.set(part, sessions);
    if (this.#parts.size < parts) return undefined;
    return { sequence, sessions: [...this.#parts.values()].flat() };
  }
}

/** NATS says that nobody answers. */
function isNobody({ headers }: Msg): boolean {
  return headers?.code === NO_RESPONDERS;
}

function away(why: string): EnjambreError {
  const message = `there is no snapshot from another tracker: ${why}`;
  return new EnjambreError('unavailable', 'TRACKER_AWAY', message);
}
