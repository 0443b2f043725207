import { Crowd } from './crowd.js';
import type { Member } from './member.js';
import type { Candidates } from './peer-selection.js';
import { RandomSets, type Drawable } from './random-set.js';
import type { ReachGroup } from './reach-group.js';

/** The members of a swarm by who reaches them. */
export class ReachIndex {
  readonly #groups = new Map<ReachGroup, Crowd>();

  constructor(members: Iterable<Member>) {
    for (const member of members) this.add(member);
  }

  add(member: Member): void {
    const { group } = member.session;
    let crowd = this.#groups.get(group);
    if (!crowd) this.#groups.set(group, (crowd = new Crowd()));
    crowd.add(member);
  }

  delete(member: Member): void {
    const { group } = member.session;
    const crowd = this.#groups.get(group);
    crowd?.delete(member);
    if (crowd?.size === 0) this.#groups.delete(group);
  }

  /** To be called before the member has become a seeder or ceased to be one. */
  move(member: Member, seeder: boolean): void {
    this.#groups.get(member.session.group)?.move(member, seeder);
  }

  /** The members of these groups. */
  of(groups: readonly ReachGroup[]): Reachable {
    return new Reachable(groups.flatMap((group) => this.#groups.get(group) ?? []));
  }
}

class Reachable implements Candidates<Member> {
  readonly seeders: Drawable<Member>;
  readonly leechers: Drawable<Member>;

  constructor(private readonly crowds: readonly Crowd[]) {
    this.seeders = new RandomSets(crowds.map(({ seeders }) => seeders));
    this.leechers = new RandomSets(crowds.map(({ leechers }) => leechers));
  }

  get size(): number {
    return this.crowds.reduce((sum, { size }) => sum + size, 0);
  }

  near(place: string): Drawable<Member> {
    return new RandomSets(this.crowds.flatMap((crowd) => crowd.near(place) ?? []));
  }
}
