import type { InfoHash } from '@enjambre/core/ids';
import type { Audience } from './audience.js';
import type { FileRef } from './events.js';
import type { FileSummary } from './file-summary.js';
import type { Member } from './member.js';
import { NearIndex } from './near-index.js';
import type { Candidates } from './peer-selection.js';
import { RandomSet } from './random-set.js';

/** Who first shared a file in the network, and when. */
export interface FirstShare {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
}

/** The peers that have or want one file, and what is known of it. */
export class Swarm implements Candidates<Member> {
  readonly seeders = new RandomSet<Member>();
  readonly leechers = new RandomSet<Member>();
  /** Absent until a member has said it, and when there is no member. */
  file: FileSummary | undefined;
  firstShare: FirstShare | undefined;
  /** Those who watch; absent if nobody does. */
  audience: Audience | undefined;
  /** Made when first asked for: most swarms are small enough to be told whole. */
  #near: NearIndex | undefined;

  constructor(readonly infohash: InfoHash) {}

  get size(): number {
    return this.seeders.size + this.leechers.size;
  }

  /** True if a member's session is one of this tracker. */
  hasLocal(): boolean {
    for (const members of [this.seeders, this.leechers]) {
      for (const { session } of members) if (session.isLocal) return true;
    }
    return false;
  }

  ref(): FileRef {
    return { infohash: this.infohash, name: this.file?.name ?? '', size: this.file?.size ?? 0 };
  }

  add(member: Member): void {
    this.#kind(member).add(member);
    this.#near?.add(member);
  }

  delete(member: Member): void {
    this.#kind(member).delete(member);
    this.#near?.delete(member);
  }

  setSeeder(member: Member, seeder: boolean): void {
    this.#kind(member).delete(member);
    member.seeder = seeder;
    this.#kind(member).add(member);
  }

  near(place: string): RandomSet<Member> | undefined {
    this.#near ??= new NearIndex([...this.seeders, ...this.leechers]);
    return this.#near.at(place);
  }

  /** `count` members at random, or all if they are fewer. */
  sample(count: number, random: () => number): Member[] {
    const sample: Member[] = [];
    const seeders = this.seeders.shuffled(random);
    const leechers = this.leechers.shuffled(random);
    let seedersLeft = this.seeders.size;
    for (let left = this.size; left > 0 && sample.length < count; left -= 1) {
      const isSeeder = random() * left < seedersLeft;
      if (isSeeder) seedersLeft -= 1;
      const drawn = (isSeeder ? seeders : leechers).next();
      if (drawn.value) sample.push(drawn.value);
    }
    return sample;
  }

  #kind(member: Member): RandomSet<Member> {
    return member.seeder ? this.seeders : this.leechers;
  }
}
