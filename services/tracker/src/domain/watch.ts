import type { Member } from './member.js';
import { RandomSet } from './random-set.js';
import type { Session } from './session.js';
import type { Swarm } from './swarm.js';

/** A session's wish to hear of a swarm's peers. */
export class Watch {
  /** The members it was told of: never its own, never more than `maxPeers`. */
  readonly known = new RandomSet<Member>();
  /** How many of `known` are seeders. */
  knownSeeders = 0;

  constructor(
    readonly session: Session,
    readonly swarm: Swarm,
    readonly maxPeers: number,
  ) {}

  get isFull(): boolean {
    return this.known.size >= this.maxPeers;
  }

  learn(member: Member): void {
    this.known.add(member);
    member.becomeKnownTo(this);
    if (member.seeder) this.knownSeeders += 1;
  }

  forget(member: Member): void {
    this.known.delete(member);
    member.becomeUnknownTo(this);
    if (member.seeder) this.knownSeeders -= 1;
  }

  forgetAll(): void {
    for (const member of [...this.known]) this.forget(member);
  }
}
