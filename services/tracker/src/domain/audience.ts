import type { DeltaEffect, Effect, SwarmPeer } from './effects.js';
import { selectPeers, wantedAtFirst, wantedInstead, type Quotas } from './peer-selection.js';
import { RandomSet } from './random-set.js';
import { RecentPeers } from './recent-peers.js';
import { Watch, type Member, type Session, type Swarm } from './swarm.js';

/** A full watch that knows fewer seeders gives a leecher up for a new one. */
const FEW_SEEDERS = 4;
/** A new member is made known to so many who know enough already: enough for its pieces to get about. */
const MIXED_PEERS = 16;
/** ... once in so long: one that comes and goes is not worth the messages, nor the places of others. */
const MIX_AGAIN_MS = 60_000;
/** Of so many at random it takes the place of the one whom most know. */
const LOOKED_AT = 4;
/** At most so many of such watches hear of a new seeder; the swarm carries its pieces to the others. */
const MAX_OFFERS = 200;

/**
 * Those who watch one swarm, and what each was told.
 *
 * Invariant: a watch knows min(maxPeers, members other than its own that it can reach) members, and none that it cannot
 * reach. A member that joins is told to watches with room, which knew everyone until then, and to {@link MIXED_PEERS} full ones, at random, in the place of another:
 * else the first to join would know only each other, for ever, and would have to fetch from the seeder what
 * later ones have. So a join costs no more deltas than that, however large the swarm.
 */
export class Audience {
  #size = 0;
  readonly #withRoom = new Set<Watch>();
  readonly #full = new RandomSet<Watch>();
  /** Full, and with {@link FEW_SEEDERS}. */
  readonly #lackingSeeders = new RandomSet<Watch>();
  /** Leechers that were mixed in lately; made with the first, since most swarms are told whole. */
  #mixed: RecentPeers | undefined;

  constructor(
    private readonly swarm: Swarm,
    private readonly random: () => number,
  ) {}

  get isEmpty(): boolean {
    return this.#size === 0;
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

  /** To be called when the swarm holds the new member. @param now milliseconds since 1970 */
  joined(member: Member, now: number, effects: Effect[]): void {
    const upserted = [toSwarmPeer(member)];
    if (!member.seeder && this.#full.size > 0) this.#mix(member, now, effects);
    for (const watch of this.#withRoom) {
      if (watch.session === member.session || !watch.session.canReach(member.session)) continue;
      watch.learn(member);
      this.#sort(watch);
      effects.push(delta(watch, { upserted }));
    }
    if (member.seeder) this.#offer(member, effects);
  }

  /** To be called when the member has become a seeder or ceased to be one. */
  changed(member: Member, effects: Effect[]): void {
    const upserted = [toSwarmPeer(member)];
    for (const watch of member.knownBy) {
      watch.knownSeeders += member.seeder ? 1 : -1;
      this.#sort(watch);
      effects.push(delta(watch, { upserted }));
    }
    if (member.seeder) this.#offer(member, effects);
  }

  /** To be called when the swarm no longer holds the member. */
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

  /** A new leecher takes the place of another in some full watches: of one as near or as far, so that zones stay what they are. */
  #mix(member: Member, now: number, effects: Effect[]): void {
    this.#mixed ??= new RecentPeers(MIX_AGAIN_MS);
    if (!this.#mixed.admit(member.session.peer.id, now)) return;
    for (const watch of this.#strangers(this.#full, member, MIXED_PEERS)) {
      const isAlike = (other: Member): boolean => isNear(watch, other) === isNear(watch, member);
      this.#introduce(member, { watch, isAlike }, effects);
    }
  }

  /** A new seeder replaces a leecher of full watches that lack seeders, lest they all miss a piece that it has. */
  #offer(seeder: Member, effects: Effect[]): void {
    for (const watch of this.#strangers(this.#lackingSeeders, seeder, MAX_OFFERS))
      this.#introduce(seeder, { watch, isAlike: () => true }, effects);
  }

  /** Some of the watches that can reach the member, at random, without those that are its own or know it. */
  #strangers(watches: RandomSet<Watch>, member: Member, count: number): Watch[] {
    const canReach = ({ session }: Watch): boolean => session.canReach(member.session);
    const drawn = firstOf(watches.shuffled(this.random), count, canReach);
    return drawn.filter(({ session, known }) => session !== member.session && !known.has(member));
  }

  /** Puts the member in the place of a leecher that is alike, if the watch knows any: of one that many others know. */
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
    if (!this.#hasStrangers(watch, reached.size)) return [];
    const places = reached.size > watch.maxPeers ? watch.session.places : [];
    const excludes = (member: Member): boolean => member.session === watch.session || watch.known.has(member);
    return selectPeers(reached, { ...wanted, places, excludes }, this.random);
  }

  /** True if there are members, other than its own, that the watch does not know. @param reached so many does it reach */
  #hasStrangers({ session, known }: Watch, reached: number): boolean {
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

/** Whether the member stands where the watcher does, by any of their labels. */
function isNear({ session: { places } }: Watch, { session }: Member): boolean {
  return places.some((place) => session.places.includes(place));
}

/** Whom most know, of the first few; of more only if none of those will do. */
function mostKnown(members: Iterable<Member>, willDo: (member: Member) => boolean): Member | undefined {
  let best: Member | undefined;
  let looked = 0;
  for (const member of members) {
    if ((!best || member.fame > best.fame) && willDo(member)) best = member;
    looked += 1;
    if (best && looked >= LOOKED_AT) break;
  }
  return best;
}

/** The first `count` items that will do, all drawn before the first is used, so that their set may change meanwhile. */
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
