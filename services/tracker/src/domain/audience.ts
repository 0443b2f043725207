import type { DeltaEffect, Effect, SwarmPeer } from './effects.js';
import { selectPeers, wantedAtFirst, wantedInstead, type Quotas } from './peer-selection.js';
import { RandomSet } from './random-set.js';
import { RecentPeers } from './recent-peers.js';
import { Watch, type Member, type Session, type Swarm } from './swarm.js';

/** A full watch with fewer known seeders replaces a leecher by a new seeder. */
const FEW_SEEDERS = 4;
/** Number of full watches that learn of a new member: enough to spread its pieces. */
const SAMPLE_SIZE = 16;
/**
 * Minimum time between two introductions of the same peer: a peer that comes and goes is not worth the
 * messages, or the places of others.
 */
const SAMPLE_INTERVAL_MS = 60_000;
/** Random members compared for eviction: the one with the highest in-degree is replaced. */
const EVICTION_CHOICES = 4;
/**
 * Maximum number of watches lacking seeders that learn of a new seeder; the swarm carries its pieces to the
 * others.
 */
const MAX_SEEDER_INTRODUCTIONS = 200;

/**
 * The watches of one swarm, and the members that each one knows.
 *
 * Invariant: a watch knows min(maxPeers, members other than its own that it can reach) members, and none that
 * it cannot reach. A new member is sent to watches with room, which knew all members before, and to
 * {@link SAMPLE_SIZE} random full ones, where it replaces another member: otherwise the first peers to join would
 * only ever know each other, and would have to fetch from the seeder what later peers have. A join thus costs
 * at most that many deltas, however large the swarm.
 */
export class Audience {
  #size = 0;
  readonly #withRoom = new Set<Watch>();
  readonly #full = new RandomSet<Watch>();
  /** Full, and with {@link FEW_SEEDERS}. */
  readonly #lackingSeeders = new RandomSet<Watch>();
  /** Leechers that were introduced recently; created with the first one, since most swarms are sent whole. */
  #introduced: RecentPeers | undefined;

  constructor(
    private readonly swarm: Swarm,
    private readonly random: () => number,
  ) {}

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  /** The session of some watch; undefined if there is none. */
  anyWatcher(): Session | undefined {
    for (const watches of [this.#withRoom, this.#full]) for (const { session } of watches) return session;
    return undefined;
  }

  /** Adds a watch and fills it; the effect is its snapshot. */
  add(session: Session, maxPeers: number, effects: Effect[]): Watch {
    const watch = new Watch(session, this.swarm, maxPeers);
    this.#size += 1;
    for (const member of this.#choose(watch, wantedAtFirst(maxPeers))) watch.learn(member);
    this.#sort(watch);
    const upserted = [...watch.known].map(toSwarmPeer);
    effects.push(delta(watch, { snapshot: true, upserted }));
    return watch;
  }

  delete(watch: Watch): void {
    this.#size -= 1;
    watch.forgetAll();
    this.#withRoom.delete(watch);
    this.#full.delete(watch);
    this.#lackingSeeders.delete(watch);
  }

  /** Call it after the member is added to the swarm. @param now milliseconds since 1970 */
  joined(member: Member, now: number, effects: Effect[]): void {
    const upserted = [toSwarmPeer(member)];
    if (!member.seeder && this.#full.size > 0) this.#introduceLeecher(member, now, effects);
    for (const watch of this.#withRoom) {
      if (watch.session === member.session || !watch.session.canReach(member.session)) continue;
      watch.learn(member);
      this.#sort(watch);
      effects.push(delta(watch, { upserted }));
    }
    if (member.seeder) this.#introduceSeeder(member, effects);
  }

  /** Call it after the member has become a seeder or a leecher. */
  changed(member: Member, effects: Effect[]): void {
    const upserted = [toSwarmPeer(member)];
    for (const watch of member.knownBy) {
      watch.knownSeeders += member.seeder ? 1 : -1;
      this.#sort(watch);
      effects.push(delta(watch, { upserted }));
    }
    if (member.seeder) this.#introduceSeeder(member, effects);
  }

  /** Call it after the member is removed from the swarm. */
  left(member: Member, effects: Effect[]): void {
    const removed = [member.session.peer.id];
    for (const watch of member.knownBy) {
      watch.forget(member);
      const wanted = wantedInstead(watch.maxPeers, watch.knownSeeders, this.random);
      const instead = this.#choose(watch, wanted);
      for (const other of instead) watch.learn(other);
      this.#sort(watch);
      effects.push(delta(watch, { removed, upserted: instead.map(toSwarmPeer) }));
    }
  }

  /**
   * Introduces a new leecher to some full watches, in place of a member as near or as far, so that the mix of
   * zones is preserved.
   */
  #introduceLeecher(member: Member, now: number, effects: Effect[]): void {
    this.#introduced ??= new RecentPeers(SAMPLE_INTERVAL_MS);
    if (!this.#introduced.admit(member.session.peer.id, now)) return;
    for (const watch of this.#watchesWithout(this.#full, member, SAMPLE_SIZE)) {
      const isAlike = (other: Member): boolean => isNear(watch, other) === isNear(watch, member);
      this.#introduce(member, { watch, isAlike }, effects);
    }
  }

  /**
   * Introduces a new seeder to full watches that lack seeders, in place of a leecher: otherwise all of them
   * could miss a piece that it has.
   */
  #introduceSeeder(seeder: Member, effects: Effect[]): void {
    for (const watch of this.#watchesWithout(this.#lackingSeeders, seeder, MAX_SEEDER_INTRODUCTIONS))
      this.#introduce(seeder, { watch, isAlike: () => true }, effects);
  }

  /** Random watches that can reach the member, except its own and those that know it. */
  #watchesWithout(watches: RandomSet<Watch>, member: Member, count: number): Watch[] {
    const canReach = ({ session }: Watch): boolean => session.canReach(member.session);
    const drawn = firstOf(watches.shuffled(this.random), count, canReach);
    return drawn.filter(({ session, known }) => session !== member.session && !known.has(member));
  }

  /**
   * Replaces a similar leecher, if the watch knows one, by the member; prefers a leecher with a high
   * in-degree.
   */
  #introduce(
    member: Member,
    { watch, isAlike }: { watch: Watch; isAlike: (other: Member) => boolean },
    effects: Effect[],
  ): void {
    const best = mostKnown(watch.known.shuffled(this.random), (other) => !other.seeder && isAlike(other));
    if (!best) return;
    watch.forget(best);
    watch.learn(member);
    this.#sort(watch);
    effects.push(delta(watch, { upserted: [toSwarmPeer(member)], removed: [best.session.peer.id] }));
  }

  #choose(watch: Watch, wanted: Quotas): Member[] {
    const reached = this.swarm.reachedBy(watch.session);
    if (!this.#hasUnknown(watch, reached.size)) return [];
    const places = reached.size > watch.maxPeers ? watch.session.places : [];
    const excludes = (member: Member): boolean => member.session === watch.session || watch.known.has(member);
    return selectPeers(reached, { ...wanted, places, excludes }, this.random);
  }

  /**
   * True if there are members, other than its own, that the watch does not know. @param reached number of
   * members that it can reach
   */
  #hasUnknown({ session, known }: Watch, reached: number): boolean {
    const unknown = reached - known.size;
    return unknown > 1 || (unknown === 1 && !session.memberships.has(this.swarm.infohash));
  }

  #sort(watch: Watch): void {
    if (watch.isFull) {
      this.#withRoom.delete(watch);
      this.#full.add(watch);
    } else {
      this.#withRoom.add(watch);
      this.#full.delete(watch);
    }
    if (watch.isFull && watch.knownSeeders < Math.min(FEW_SEEDERS, Math.ceil(watch.maxPeers / 2))) {
      this.#lackingSeeders.add(watch);
    } else {
      this.#lackingSeeders.delete(watch);
    }
  }
}

/** True if member and watcher share a place in their labels. */
function isNear({ session: { places } }: Watch, { session }: Member): boolean {
  return places.some((place) => session.places.includes(place));
}

/**
 * The matching member with the highest in-degree among the first few; among more only if none of these
 * matches.
 */
function mostKnown(members: Iterable<Member>, willDo: (member: Member) => boolean): Member | undefined {
  let best: Member | undefined;
  let looked = 0;
  for (const member of members) {
    if ((!best || member.inDegree > best.inDegree) && willDo(member)) best = member;
    looked += 1;
    if (best && looked >= EVICTION_CHOICES) break;
  }
  return best;
}

/** The first `count` matching items, all drawn before the first is used: their set may change afterwards. */
function firstOf<T>(items: Iterable<T>, count: number, willDo: (item: T) => boolean): T[] {
  const first: T[] = [];
  for (const item of items) if (willDo(item) && first.push(item) >= count) break;
  return first;
}

function toSwarmPeer({ session, seeder }: Member): SwarmPeer {
  return { peer: session.peer, seeder };
}

function delta(watch: Watch, change: Partial<DeltaEffect>): DeltaEffect {
  const { session: to, swarm } = watch;
  return {
    type: 'delta',
    to,
    infohash: swarm.infohash,
    snapshot: false,
    upserted: [],
    removed: [],
    ...change,
  };
}
