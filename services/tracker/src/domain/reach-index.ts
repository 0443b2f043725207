import { Crowd, type CrowdMember } from './crowd.js';
import type { Candidates } from './peer-selection.js';
import { PartySets, type PartyDrawable } from './party-set.js';
import { RandomSets, type Drawable } from './random-set.js';
import type { ReachGroup } from './reach-group.js';

interface Reached extends CrowdMember {
  readonly session: CrowdMember['session'] & { readonly group: ReachGroup };
}

/** The members of a swarm by reach group. */
export class ReachIndex<Member extends Reached> {
  readonly #groups = new Map<ReachGroup, Crowd<Member>>();

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

  /** Call it before the member becomes a seeder or a leecher. */
  move(member: Member, seeder: boolean): void {
    this.#groups.get(member.session.group)?.move(member, seeder);
  }

  /** The members of these groups. */
  of(groups: readonly ReachGroup[]): Reachable<Member> {
    return new Reachable(groups.flatMap((group) => this.#groups.get(group) ?? []));
  }
}

class Reachable<Member extends Reached> implements Candidates<Member> {
  readonly seeders: PartyDrawable<Member>;
  readonly leechers: PartyDrawable<Member>;

  constructor(private readonly crowds: readonly Crowd<Member>[]) {
    this.seeders = new PartySets(crowds.map(({ seeders }) => seeders));
    this.leechers = new PartySets(crowds.map(({ leechers }) => leechers));
  }

  get size(): number {
    return this.crowds.reduce((sum, { size }) => sum + size, 0);
  }

  near(place: string): Drawable<Member> {
    return new RandomSets(this.crowds.flatMap((crowd) => crowd.near(place) ?? []));
  }
}
