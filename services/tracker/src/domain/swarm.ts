import type { InfoHash } from '@enjambre/core/ids';
import type { Audience } from './audience.js';
import { Crowd } from './crowd.js';
import type { FileRef } from './events.js';
import type { FileSummary } from './file-summary.js';
import type { Member } from './member.js';
import type { Candidates } from './peer-selection.js';
import { RandomSets } from './random-set.js';
import { OPEN } from './reach-group.js';
import { ReachIndex } from './reach-index.js';
import type { Session } from './session.js';

/** Who first shared a file in the network, and when. */
export interface FirstShare {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: string;
}

/** The peers that have or want one file, and what is known of it. */
export class Swarm extends Crowd {
  /** Absent until a member has said it, and when there is no member. */
  file: FileSummary | undefined;
  firstShare: FirstShare | undefined;
  /** Those who watch; absent if nobody does. */
  audience: Audience | undefined;
  /** True once it had a member whom not everybody reaches. */
  #isDivided = false;
  /** Made when first needed: everybody reaches the members of most swarms. */
  #byReach: ReachIndex | undefined;

  constructor(readonly infohash: InfoHash) {
    super();
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

  override add(member: Member): void {
    super.add(member);
    if (member.session.group !== OPEN) this.#isDivided = true;
    this.#byReach?.add(member);
  }

  override delete(member: Member): void {
    super.delete(member);
    this.#byReach?.delete(member);
  }

  setSeeder(member: Member, seeder: boolean): void {
    this.move(member, seeder);
    this.#byReach?.move(member, seeder);
    member.seeder = seeder;
  }

  /** The members whom a peer reaches from where it is. */
  reachedBy({ reaches }: Session): Candidates<Member> & { readonly size: number } {
    if (!this.#isDivided) return this;
    this.#byReach ??= new ReachIndex([...this.seeders, ...this.leechers]);
    return this.#byReach.of(reaches);
  }

  /** `count` members at random, or all if they are fewer. */
  sample(count: number, random: () => number): Member[] {
    const sample: Member[] = [];
    for (const member of new RandomSets([this.seeders, this.leechers]).shuffled(random)) {
      if (sample.length >= count) break;
      sample.push(member);
    }
    return sample;
  }
}
