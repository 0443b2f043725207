import type { Effect } from './effects.js';
import type { RemoteSessions } from './remote-sessions.js';
import type { Changes, Holdings, ReplicaId, ReplicaMessage, Snapshot } from './replica-state.js';

/** A tracker says that it lives every second; one that was not heard for so long is forgotten. */
export const REPLICA_LOST_MS = 5000;
/** No network has more trackers; more are a stranger's invention. */
const MAX_REPLICAS = 64;
/** Changes kept back until the snapshot before them has come; beyond it, another is asked for. */
const MAX_PENDING = 1000;
/** Between two snapshots of one tracker, longer each time that it was of no use. */
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;

interface Replica {
  name: string;
  heardAt: number;
  /** Up to which of its changes all is known; undefined before the first snapshot. */
  applied: number | undefined;
  /** Changes behind a gap, by their sequence. */
  readonly pending: Map<number, Changes>;
  /** Something of it was missed. */
  wanting: boolean;
  /** A snapshot was asked for and has not come yet. */
  asking: boolean;
  /** Not before then is one asked for. */
  askAt: number;
  waitMs: number;
}

/**
 * What is known of the other trackers of the network, and how far. Times are
 * milliseconds of any clock that does not go backwards.
 */
export class ReplicaBook {
  readonly #replicas = new Map<ReplicaId, Replica>();

  constructor(private readonly remote: RemoteSessions) {}

  /** How many other trackers there are. */
  get size(): number {
    return this.#replicas.size;
  }

  /** Names of the other trackers, as they gave them. */
  get names(): readonly string[] {
    return [...this.#replicas.values()].map(({ name }) => name);
  }

  /** Takes what another tracker says. */
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

  /** Those that a snapshot is to be asked of now; {@link synced} or {@link failed} tells how it ended. */
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
    // A copy of long ago that came late.
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

  /** Forgets trackers that were not heard for too long, and all that they hold. */
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

  /** After a time in which nobody could be heard, all get their time anew. */
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
