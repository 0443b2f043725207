import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { ConnectResponse } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { DeltaEffect, SwarmPeer } from '../domain/effects.js';
import { fromDelta } from './convert.js';
import type { Caller } from './reach.js';

/** The part of a call that the outbox needs. */
interface Reader {
  /** Returns false if no more is accepted until "drain". */
  write(message: ConnectResponse): boolean;
  on(event: 'drain', listener: () => void): unknown;
  /** Pause and resume reading messages of an agent that does not read ours. */
  pause(): unknown;
  resume(): unknown;
}

interface OutboxOptions {
  /** The reading agent: its location decides which endpoints it receives. */
  readonly reader: Caller;
  /** A reader that reads nothing for this long is slow, in milliseconds. */
  readonly maxBlockedMs: number;
  /** Called, possibly repeatedly, when the reader is too slow. */
  readonly onSlowReader: () => void;
}

/** Unsent changes of one swarm, merged. */
interface PendingDelta {
  snapshot: boolean;
  readonly upserted: Map<PeerId, SwarmPeer>;
  readonly removed: Set<PeerId>;
}

/** Limit of changes kept for a reader that does not read. */
const MAX_PENDING_CHANGES = 50_000;

/**
 * Messages waiting to be written to one agent. Changes of one swarm within a tick, or while the agent does
 * not read, are merged into one message; the number of waiting changes is bounded.
 */
export class Outbox {
  readonly #pending = new Map<InfoHash, PendingDelta>();
  #messages: ConnectResponse[] = [];
  #changes = 0;
  #flush: NodeJS.Immediate | undefined;
  #blocked: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(
    private readonly reader: Reader,
    private readonly options: OutboxOptions,
  ) {
    reader.on('drain', () => {
      this.#unblock();
    });
  }

  /** Sends `message` as soon as the reader accepts it. */
  send(message: ConnectResponse): void {
    if (this.#closed) return;
    this.#messages.push(message);
    this.#count(1);
    if (!this.#blocked) this.#writeAll();
  }

  /** Sends the change in this tick or, merged with later ones, as soon as the reader accepts it. */
  change(delta: DeltaEffect): void {
    if (this.#closed) return;
    let pending = this.#pending.get(delta.infohash);
    if (!pending) {
      pending = { snapshot: false, upserted: new Map(), removed: new Set() };
      this.#pending.set(delta.infohash, pending);
    }
    this.#count(merge(pending, delta));
    if (!this.#blocked) this.#flush ??= setImmediate(() => this.#writeAll());
  }

  /** Discards unsent changes of a swarm. */
  discard(infohash: InfoHash): void {
    const pending = this.#pending.get(infohash);
    if (!pending) return;
    this.#changes -= sizeOf(pending);
    this.#pending.delete(infohash);
  }

  /** Stops all writing. */
  close(): void {
    this.#closed = true;
    this.#messages = [];
    this.#pending.clear();
    clearImmediate(this.#flush);
    clearTimeout(this.#blocked);
  }

  #writeAll(): void {
    this.#flush = undefined;
    for (const message of this.#messages.splice(0)) this.#write(message, 1);
    for (const [infohash, pending] of this.#pending) {
      if (this.#blocked) return;
      this.#pending.delete(infohash);
      this.#write(fromDelta(infohash, pending, this.options.reader), sizeOf(pending));
    }
  }

  #write(message: ConnectResponse, changes: number): void {
    if (this.#closed) return;
    this.#changes -= changes;
    if (this.reader.write(message) || this.#blocked) return;
    this.reader.pause();
    this.#blocked = setTimeout(this.options.onSlowReader, this.options.maxBlockedMs);
  }

  #unblock(): void {
    if (this.#closed) return;
    clearTimeout(this.#blocked);
    this.#blocked = undefined;
    this.reader.resume();
    this.#writeAll();
  }

  #count(changes: number): void {
    this.#changes += changes;
    if (this.#blocked && this.#changes > MAX_PENDING_CHANGES) this.options.onSlowReader();
  }
}

/** Merges `delta` into the pending changes; returns by how many changes they grew. */
function merge(pending: PendingDelta, delta: DeltaEffect): number {
  const before = sizeOf(pending);
  if (delta.snapshot) {
    pending.snapshot = true;
    pending.upserted.clear();
    pending.removed.clear();
  }
  for (const id of delta.removed) {
    pending.upserted.delete(id);
    if (!pending.snapshot) pending.removed.add(id);
  }
  for (const peer of delta.upserted) {
    pending.removed.delete(peer.peer.id);
    pending.upserted.set(peer.peer.id, peer);
  }
  return sizeOf(pending) - before;
}

function sizeOf({ upserted, removed }: PendingDelta): number {
  return upserted.size + removed.size;
}
