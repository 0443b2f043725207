import { RandomSet } from './random-set.js';

/** A peer with a location. */
export interface Placed {
  readonly session: {
    /** Closest first. */
    readonly places: readonly string[];
  };
}

/** The members of a swarm by location. */
export class NearIndex<Member extends Placed> {
  readonly #places = new Map<string, RandomSet<Member>>();

  constructor(members: Iterable<Member>) {
    for (const member of members) this.add(member);
  }

  at(place: string): RandomSet<Member> | undefined {
    return this.#places.get(place);
  }

  add(member: Member): void {
    for (const place of member.session.places) {
      let members = this.#places.get(place);
      if (!members) this.#places.set(place, (members = new RandomSet()));
      members.add(member);
    }
  }

  delete(member: Member): void {
    for (const place of member.session.places) {
      const members = this.#places.get(place);
      members?.delete(member);
      if (members?.size === 0) this.#places.delete(place);
    }
  }
}
