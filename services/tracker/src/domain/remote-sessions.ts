import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Effect } from './effects.js';
import type { Changes, Holdings, ReplicaId, SessionEnd, SessionState } from './replica-state.js';
import type { Session } from './swarm.js';
import type { SwarmRegistry } from './swarm-registry.js';

/** Sessions held by other trackers, registered beside this tracker's own. */
export class RemoteSessions {
  readonly #byReplica = new Map<ReplicaId, Map<PeerId, Session>>();
  #refused = 0;

  /** @param self breaks the tie between two sessions with equal epochs */
  constructor(
    private readonly registry: SwarmRegistry,
    private readonly self: ReplicaId,
  ) {}

  /** Number of states of other trackers that were refused: for lack of room, or as invalid. */
  get refused(): number {
    return this.#refused;
  }

  holdings(replica: ReplicaId): Holdings {
    const sessions = this.#sessions(replica);
    let members = 0;
    for (const { memberships } of sessions.values()) members += memberships.size;
    return { sessions: sessions.size, members };
  }

  apply(replica: ReplicaId, { ended, sessions }: Changes): Effect[] {
    const effects: Effect[] = [];
    for (const end of ended) this.#end(replica, end, effects);
    for (const state of sessions) this.#take(replica, state, effects);
    return effects;
  }

  /** Replaces all sessions of a tracker by `states`. */
  replace(replica: ReplicaId, states: readonly SessionState[]): Effect[] {
    const effects: Effect[] = [];
    const named = new Map<PeerId, Set<InfoHash>>();
    for (const { peer, members } of states) {
      let infohashes = named.get(peer.id);
      if (!infohashes) named.set(peer.id, (infohashes = new Set()));
      for (const { infohash } of members) infohashes.add(infohash);
    }
    for (const [peer, session] of [...this.#sessions(replica)]) {
      const infohashes = named.get(peer);
      if (!infohashes) this.#close(session, effects);
      else this.#keepOnly(session, infohashes, effects);
    }
    for (const state of states) this.#take(replica, state, effects);
    return effects;
  }

  /** Drops a lost tracker with all its sessions. */
  forget(replica: ReplicaId): Effect[] {
    const effects = this.replace(replica, []);
    this.#byReplica.delete(replica);
    return effects;
  }

  #keepOnly(session: Session, infohashes: ReadonlySet<InfoHash>, effects: Effect[]): void {
    for (const infohash of [...session.memberships.keys()]) {
      if (!infohashes.has(infohash)) effects.push(...this.registry.drop(session, infohash));
    }
  }

  #end(replica: ReplicaId, { peerId, epoch }: SessionEnd, effects: Effect[]): void {
    const session = this.#sessions(replica).get(peerId);
    if (session?.epoch === epoch) this.#close(session, effects);
  }

  #take(replica: ReplicaId, state: SessionState, effects: Effect[]): void {
    try {
      const session = this.#session(replica, state, effects);
      if (!session) return;
      for (const infohash of state.left) effects.push(...this.registry.drop(session, infohash));
      for (const member of state.members) effects.push(...this.registry.adopt(session, member));
    } catch (error) {
      if (!(error instanceof EnjambreError)) throw error;
      this.#refused += 1;
    }
  }

  /** The session for a state; undefined if the peer has a newer one. */
  #session(replica: ReplicaId, state: SessionState, effects: Effect[]): Session | undefined {
    const { peer, connectedAt, epoch, party } = state;
    const present = this.registry.directory.session(peer.id);
    if (present?.replica === replica && present.epoch === epoch) return present;
    if (present && !this.#isNewer(replica, epoch, present)) return undefined;
    if (present && !present.isLocal) this.#sessions(present.replica).delete(peer.id);
    const opened = this.registry.connect(peer, connectedAt, { replica, epoch, party });
    effects.push(...opened.effects);
    this.#sessions(replica).set(peer.id, opened.session);
    return opened.session;
  }

  #isNewer(replica: ReplicaId, epoch: number, present: Session): boolean {
    if (epoch !== present.epoch) return epoch > present.epoch;
    return replica > (present.isLocal ? this.self : present.replica);
  }

  /** A session that was replaced by one here has already ended. */
  #close(session: Session, effects: Effect[]): void {
    this.#sessions(session.replica).delete(session.peer.id);
    effects.push(...this.registry.disconnect(session, 'reported by its tracker'));
  }

  #sessions(replica: ReplicaId): Map<PeerId, Session> {
    let sessions = this.#byReplica.get(replica);
    if (!sessions) this.#byReplica.set(replica, (sessions = new Map<PeerId, Session>()));
    return sessions;
  }
}
