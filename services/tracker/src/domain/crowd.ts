import { NearIndex, type Placed } from './near-index.js';
import type { Candidates } from './peer-selection.js';
import { PartySet } from './party-set.js';
import type { RandomSet } from './random-set.js';

/** Properties of a member that decide its place in a crowd. */
export interface CrowdMember extends Placed {
  readonly seeder: boolean;
  readonly party: string;
}

/** Members of one swarm, for random draws. */
export class Crowd<Member extends CrowdMember> implements Candidates<Member> {
  readonly seeders = new PartySet<Member>();
  readonly leechers = new PartySet<Member>();
  /** Created on first use: most swarms are small enough to be sent whole. */
  #near: NearIndex<Member> | undefined;

  get size(): number {
    return this.seeders.size + this.leechers.size;
  }

  add(member: Member): void {
    this.#kind(member.seeder).add(member);
    this.#near?.add(member);
  }

  delete(member: Member): void {
    this.#kind(member.seeder).delete(member);
    this.#near?.delete(member);
  }

  /** Call it before the member becomes a seeder or a leecher. */
  move(member: Member, seeder: boolean): void {
    this.#kind(member.seeder).delete(member);
    this.#kind(seeder).add(member);
  }

  near(place: string): RandomSet<Member> | undefined {
    this.#near ??= new NearIndex([...this.seeders, ...this.leechers]);
    return this.#near.at(place);
  }

  #kind(seeder: boolean): PartySet<Member> {
    return seeder ? this.seeders : this.leechers;
  }
}
