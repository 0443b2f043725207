import { randomBytes } from 'node:crypto';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { InfoHash } from '@enjambre/core/ids';
import { batchesOf } from '../domain/batches.js';
import type { FileRecord } from '../domain/catalogue.js';
import type { Effect } from '../domain/effects.js';
import type { Publication } from '../domain/publications.js';
import { RemoteSessions } from '../domain/remote-sessions.js';
import { ReplicaBook } from '../domain/replica-book.js';
import {
  toSessionState,
  type Holdings,
  type ReplicaId,
  type ReplicaMessage,
  type SessionState,
  type Snapshot,
} from '../domain/replica-state.js';
import type { SwarmRegistry } from '../domain/swarm-registry.js';
import type { NetworkParts } from './network-parts.js';
import type { StoreListener } from './ports.js';
import type { Timer } from '@enjambre/common/async/clock';

export interface NetworkComponents extends NetworkParts {
  readonly registry: SwarmRegistry;
  /** Applies effects to the sessions of this tracker. */
  readonly carryOut: (effects: readonly Effect[]) => void;
}

export interface NetworkInit {
  /** Id of this run of this tracker. */
  readonly id: ReplicaId;
  /** Name for people. */
  readonly name: string;
}

/** The network as seen by this tracker. */
export interface NetworkStatus {
  /** False while other trackers and the catalogue are unreachable; agents are served all the same. */
  readonly available: boolean;
  /** Names of the other trackers. */
  readonly others: readonly string[];
  /** Messages that were foreign or malformed. */
  readonly ignored: number;
  /** Sessions and memberships of other trackers that were refused. */
  readonly refused: number;
  /** Records waiting to be stored. */
  readonly unkept: number;
}

/** Delay after which changes are sent, all together. */
const FLUSH_MS = 50;
const HEARTBEAT_MS = 1000;
/** A snapshot of a large tracker takes seconds. */
const SNAPSHOT_TIMEOUT_MS = 15_000;
const REPLICA_ID_BYTES = 16;
/** Steps in which publications are written again, in the time for which the store keeps one: each has a turn 15 times. */
const RENEWAL_STEPS = 720;
const RENEWAL_PARTS = 48;

export function newReplicaId(): ReplicaId {
  return randomBytes(REPLICA_ID_BYTES).toString('hex');
}

/**
 * This tracker's part in a network of several: sends its sessions to the others, holds theirs beside its own,
 * and shares the catalogue. A single tracker runs it too, without receivers.
 */
export class Network implements Startable, StoreListener {
  readonly #parts: NetworkComponents;
  readonly #init: NetworkInit;
  readonly #remote: RemoteSessions;
  readonly #book: ReplicaBook;
  /** Sequence of the last changes that were sent. */
  #sequence = 0;
  /**
   * True if a snapshot was requested since the last heartbeat: the requester may not have received our
   * messages yet.
   */
  #asked = false;
  #wasConnected = false;
  #heartbeat: Timer | undefined;
  #flushing: Timer | undefined;
  #renewal: Timer | undefined;
  readonly #stopping = new AbortController();

  constructor(parts: NetworkComponents, init: NetworkInit) {
    this.#parts = parts;
    this.#init = init;
    this.#remote = new RemoteSessions(parts.registry, init.id);
    this.#book = new ReplicaBook(this.#remote);
  }

  get status(): NetworkStatus {
    const { store, queues } = this.#parts;
    return {
      available: store.available,
      others: this.#book.names,
      ignored: store.ignored,
      refused: this.#remote.refused,
      unkept: queues.reduce((sum, { size }) => sum + size, 0),
    };
  }

  async start(): Promise<void> {
    this.#heartbeat = this.#parts.clock.every(HEARTBEAT_MS, () => {
      this.#beat();
    });
    const { clock, store } = this.#parts;
    if (store.keptMs !== undefined) {
      const stepMs = store.keptMs / RENEWAL_STEPS;
      this.#renewal = clock.every(stepMs, () => this.#renew(Math.floor(clock.epochMs() / stepMs)));
    }
    await store.start(this);
  }

  async stop(): Promise<void> {
    this.#heartbeat?.cancel();
    this.#flushing?.cancel();
    this.#renewal?.cancel();
    for (const queue of this.#parts.queues) queue.stop();
    this.#stopping.abort();
    this.#tell({ type: 'farewell' });
    await this.#parts.store.stop();
  }

  reachable(): void {
    this.#book.excuse(this.#parts.clock.nowMs());
    for (const queue of this.#parts.queues) queue.resume();
    this.#beat();
  }

  heard(message: ReplicaMessage): void {
    if (message.replica === this.#init.id) return;
    const before = this.#book.size;
    this.#parts.carryOut(this.#book.hear(message, this.#parts.clock.nowMs()));
    this.#noteOthers(before);
    this.#askForSnapshots();
  }

  recorded(infohash: InfoHash, record: FileRecord | undefined): void {
    this.#parts.catalogue.learn(infohash, record);
    if (record) this.#parts.registry.descriptions.settle(record);
    else this.#parts.registry.descriptions.remind(infohash);
  }

  published(publication: Publication): void {
    this.#parts.registry.publications.learn(publication);
  }

  snapshot(): Snapshot {
    this.#asked = true;
    this.#flush({ numbers: true });
    return { sequence: this.#sequence, sessions: [...this.#ownSessions()] };
  }

  /** Call it when the journal has changes that others should receive soon. */
  flushSoon(): void {
    this.#flushing ??= this.#parts.clock.after(FLUSH_MS, () => {
      this.#flush({ numbers: false });
    });
  }

  #beat(): void {
    const { clock, store, carryOut, log } = this.#parts;
    const now = clock.nowMs();
    this.#flush({ numbers: true });
    this.#asked = false;
    const { connected } = store;
    if (connected) this.#tell({ type: 'heartbeat', name: this.#init.name, holdings: this.#holdings() });
    // While no tracker can be reached, silence is no evidence of a loss.
    if (!connected || !this.#wasConnected) this.#book.excuse(now);
    this.#wasConnected = connected;
    const before = this.#book.size;
    const { lost, effects } = this.#book.expire(now);
    for (const name of lost)
      log.warn({ tracker_name: name }, `tracker ${name} is lost: its sessions are dropped`);
    carryOut(effects);
    this.#noteOthers(before);
    this.#askForSnapshots();
  }

  /** A step by the clock on the wall, so that each publication has its turn although this tracker restarts. */
  #renew(step: number): void {
    const { registry, renew } = this.#parts;
    for (const publication of registry.publications.inUseHere(step % RENEWAL_PARTS, RENEWAL_PARTS))
      renew(publication);
  }

  /** Without other trackers nothing is sent: a new tracker requests a snapshot. */
  #flush(what: { readonly numbers: boolean }): void {
    this.#flushing?.cancel();
    this.#flushing = undefined;
    const { journal, store } = this.#parts;
    const changes = journal.take(what);
    if (this.#book.size === 0 && !this.#asked) return;
    for (const batch of batchesOf(changes, store.maxMessageBytes)) {
      this.#sequence += 1;
      this.#tell({ type: 'changes', changes: batch });
    }
  }

  #tell(message: Said): void {
    this.#parts.store.publish({ ...message, replica: this.#init.id, sequence: this.#sequence });
  }

  #askForSnapshots(): void {
    if (!this.#parts.store.connected) return;
    for (const id of this.#book.ask(this.#parts.clock.nowMs())) void this.#sync(id);
  }

  async #sync(id: ReplicaId): Promise<void> {
    const { clock, store, carryOut, log } = this.#parts;
    const late = new AbortController();
    const deadline = clock.after(SNAPSHOT_TIMEOUT_MS, () => {
      late.abort();
    });
    const signal = AbortSignal.any([this.#stopping.signal, late.signal]);
    try {
      const snapshot = await store.snapshotOf(id, signal);
      if (!this.#stopping.signal.aborted) carryOut(this.#book.synced(id, snapshot));
    } catch (error) {
      this.#book.failed(id);
      log.debug({ replica_id: id, err: error }, 'no snapshot from another tracker');
    } finally {
      deadline.cancel();
    }
  }

  #noteOthers(before: number): void {
    const { log } = this.#parts;
    const { size, names } = this.#book;
    if (size === before) return;
    const trackers = size + 1;
    log.info(
      { tracker_count: trackers, tracker_names: names },
      `the network has ${trackers} tracker${trackers === 1 ? '' : 's'}`,
    );
  }

  *#ownSessions(): Generator<SessionState> {
    for (const session of this.#parts.registry.directory.sessions()) {
      if (session.isLocal) yield toSessionState(session, session.memberships.keys());
    }
  }

  #holdings(): Holdings {
    let sessions = 0;
    let members = 0;
    for (const session of this.#parts.registry.directory.sessions()) {
      if (!session.isLocal) continue;
      sessions += 1;
      members += session.memberships.size;
    }
    return { sessions, members };
  }
}

type Said = ReplicaMessage extends infer M
  ? M extends ReplicaMessage
    ? Omit<M, 'replica' | 'sequence'>
    : never
  : never;
