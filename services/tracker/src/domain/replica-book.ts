import type { Effect } from './effects.js';
import type { RemoteSessions } from './remote-sessions.js';
import type { Changes, Holdings, ReplicaId, ReplicaMessage, Snapshot } from './replica-state.js';

/** Trackers send a heartbeat every second; one without messages for this long is dropped. */
export const REPLICA_LOST_MS = 5000;
/** Limit of other trackers, above the size of any network: more are forged. */
const MAX_REPLICAS = 64;
/**
 * Limit of changes queued until the snapshot before them arrives; beyond it, another snapshot is requested.
 */
const MAX_PENDING = 1000;
/** Wait between two snapshots of one tracker; it grows with each useless one. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

interface Replica {
  name: string;
  heardAt: number;
  /** Sequence up to which its changes are applied; undefined before the first snapshot. */
  applied: number | undefined;
  /** Changes after a gap, by sequence. */
  readonly pending: Map<number, Changes>;
  /** True if a message was missed. */
  wanting: boolean;
  /** True while a snapshot is requested and has not arrived. */
  asking: boolean;
  /** Earliest time of the next request. */
  askAt: number;
  waitMs: number;
}

/** The known state of the network's other trackers. Times are milliseconds of any monotonic clock. */
export class ReplicaBook {
  readonly #replicas = new Map<ReplicaId, Replica>();

  constructor(private readonly remote: RemoteSessions) {}

  /** Number of other trackers. */
  get size(): number {
    return this.#replicas.size;
  }

  /** Names of the other trackers, as they reported them. */
  get names(): readonly string[] {
    return [...this.#replicas.values()].map(({ name }) => name);
  }

  /** Applies a message of another tracker. */
  hear(message: ReplicaMessage, now: number): Effect[] {
    if (message.type === 'farewell') return this.#forget(message.replica);
    const replica = this.#replica(message.replica, now);
    if (!replica) return [];
    replica.heardAt = now;
    if (message.type === 'changes') return this.#change(message.replica, replica, message);
    replica.name = message.name;
    if (replica.applied === undefined || message.sequence > replica.applied) replica.wanting = true;
    else if (message.sequence < replica.applied) return [];
    else if (!sameHoldings(message.holdings, this.remote.holdings(message.replica))) replica.wanting = true;
    else replica.waitMs = FIRST_WAIT_MS;
    return [];
  }

  /** The trackers to request a snapshot from now; report the result with {@link synced} or {@link failed}. */
  ask(now: number): ReplicaId[] {
    const asked: ReplicaId[] = [];
    for (const [id, replica] of this.#replicas) {
      if (!replica.wanting || replica.asking || now < replica.askAt) continue;
      replica.asking = true;
      replica.askAt = now + replica.waitMs;
      replica.waitMs = Math.min(2 * replica.waitMs, LONGEST_WAIT_MS);
      asked.push(id);
    }
    return asked;
  }

  synced(id: ReplicaId, { sequence, sessions }: Snapshot): Effect[] {
    const replica = this.#replicas.get(id);
    if (!replica) return [];
    replica.asking = false;
    // A late copy of an old state.
    if (replica.applied !== undefined && sequence < replica.applied) return [];
    replica.applied = sequence;
    const effects = this.remote.replace(id, sessions);
    for (const old of [...replica.pending.keys()]) if (old <= sequence) replica.pending.delete(old);
    this.#applyPending(id, replica, effects);
    replica.wanting = replica.pending.size > 0;
    return effects;
  }

  failed(id: ReplicaId): void {
    const replica = this.#replicas.get(id);
    if (replica) replica.asking = false;
  }

  /** Drops trackers without messages for too long, and all their sessions. */
  expire(now: number): { readonly lost: readonly string[]; readonly effects: Effect[] } {
    const lost: string[] = [];
    const effects: Effect[] = [];
    for (const [id, { heardAt, name }] of this.#replicas) {
      if (now - heardAt < REPLICA_LOST_MS) continue;
      lost.push(name);
      effects.push(...this.#forget(id));
    }
    return { lost, effects };
  }

  /** Restarts the timeout of all trackers after a time in which none was reachable. */
  excuse(now: number): void {
    for (const replica of this.#replicas.values()) replica.heardAt = now;
  }

  #change(
    id: ReplicaId,
    replica: Replica,
    { sequence, changes }: { readonly sequence: number; readonly changes: Changes },
  ): Effect[] {
    if (replica.applied !== undefined && sequence <= replica.applied) return [];
    if (replica.pending.size < MAX_PENDING) replica.pending.set(sequence, changes);
    const effects: Effect[] = [];
    this.#applyPending(id, replica, effects);
    if (replica.pending.size > 0) replica.wanting = true;
    return effects;
  }

  #applyPending(id: ReplicaId, replica: Replica, effects: Effect[]): void {
    let { applied } = replica;
    if (applied === undefined) return;
    for (let changes; (changes = replica.pending.get(applied + 1)); replica.applied = applied) {
      applied += 1;
      replica.pending.delete(applied);
      effects.push(...this.remote.apply(id, changes));
    }
  }

  #replica(id: ReplicaId, now: number): Replica | undefined {
    const known = this.#replicas.get(id);
    if (known || this.#replicas.size >= MAX_REPLICAS) return known;
    const replica: Replica = {
      name: '',
      heardAt: now,
      applied: undefined,
      pending: new Map(),
      wanting: true,
      asking: false,
      askAt: now,
      waitMs: FIRST_WAIT_MS,
    };
    this.#replicas.set(id, replica);
    return replica;
  }

  #forget(id: ReplicaId): Effect[] {
    return this.#replicas.delete(id) ? this.remote.forget(id) : [];
  }
}

function sameHoldings(one: Holdings, other: Holdings): boolean {
  return one.sessions === other.sessions && one.members === other.members;
}
